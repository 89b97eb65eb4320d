{
  description = "Huddle: people who never met run MPyC programs together, in a secure session";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs = { self, nixpkgs }:
    let
      systems = [ "x86_64-linux" "aarch64-linux" ];
      each = make: nixpkgs.lib.genAttrs systems (system: make nixpkgs.legacyPackages.${system});
      package = pkgs: pkgs.callPackage ./nix/package.nix { };
    in
    {
      packages = each (pkgs: { default = package pkgs; });
      nixosModules.default = import ./nix/module.nix { inherit package; };

      # What `make demo` and `make test` want of a machine; they install the rest themselves.
      devShells = each (pkgs: {
        default = pkgs.mkShell {
          packages = with pkgs; [ python313 uv nodejs go rustc cargo gnumake git bubblewrap tmux iproute2 nftables ];
        };
      });
    };
}
