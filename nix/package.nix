# Huddle from this source, with what it needs from nixpkgs. A library that nixpkgs lacks is named, for an overlay.
{ lib, python3Packages, bubblewrap }:
let
  project = (builtins.fromTOML (builtins.readFile ../pyproject.toml)).project;
  first = builtins.match ''.*__version__ = "([^"]+)".*'' (builtins.readFile ../src/huddle/__init__.py);

  # "uvicorn>=0.35; …" is nixpkgs' python3Packages.uvicorn
  named = requirement: lib.toLower (builtins.head (builtins.match "([A-Za-z0-9._-]+).*" requirement));
  get = name: python3Packages.${name} or (throw "nixpkgs has no python3Packages.${name}: add it by an overlay");
in
python3Packages.buildPythonApplication {
  pname = project.name;
  version = builtins.head first;
  pyproject = true;
  src = lib.cleanSource ../.;
  build-system = [ python3Packages.hatchling ];
  dependencies = map (requirement: get (named requirement)) project.dependencies;
  makeWrapperArgs = [ "--prefix" "PATH" ":" (lib.makeBinPath [ bubblewrap ]) ];
  doCheck = false; # `make test` is for a checkout
  meta.mainProgram = "huddle";
}
