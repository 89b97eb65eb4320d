# A NixOS module: a rendezvous as a service, and machines on which people or the lab run parties.
#
#   services.huddle.rendezvous = { enable = true; url = "https://huddle.example"; openFirewall = true; };
#   services.huddle.party.enable = true;
#
# `package` gives Huddle for the machine's packages; flake.nix has it.
{ package }:
{ config, lib, pkgs, ... }:
let
  inherit (lib) mkEnableOption mkIf mkOption types;
  cfg = config.services.huddle;
  rendezvous = cfg.rendezvous;
  party = cfg.party;

  flag = name: value: lib.optionals (value != null) [ name (toString value) ];
  arguments =
    [ "serve" "--port" (toString rendezvous.port) ]
    ++ flag "--host" rendezvous.host
    ++ flag "--url" rendezvous.url
    ++ flag "--trust-proxy" rendezvous.trustProxy
    ++ flag "--certificate" rendezvous.certificate
    # systemd reads the key as root and shows the service a copy that nobody else can read.
    ++ lib.optionals (rendezvous.key != null) [ "--key" "%d/key" ]
    ++ lib.optionals rendezvous.keepRooms [ "--database" "%S/huddle/rooms.sqlite" ];
in
{
  options.services.huddle = {
    package = mkOption {
      type = types.package;
      default = package pkgs;
      description = "The Huddle that is run.";
    };

    rendezvous = {
      enable = mkEnableOption "a rendezvous, where parties find each other; it sees ciphertext only";
      host = mkOption {
        type = types.nullOr types.str;
        default = null;
        description = "The address at which it listens, such as 127.0.0.1 behind a proxy; everywhere where none is given.";
      };
      port = mkOption {
        type = types.port;
        default = 8037;
        description = "Its TCP port, and the UDP port at which it answers STUN.";
      };
      url = mkOption {
        type = types.nullOr types.str;
        default = null;
        description = "How others reach it, where that differs: a proxy, or a name.";
      };
      trustProxy = mkOption {
        type = types.nullOr types.str;
        default = null;
        description = "The address of a proxy whose X-Forwarded-For is believed.";
      };
      certificate = mkOption {
        type = types.nullOr types.path;
        default = null;
        description = "A certificate as PEM; with it, https is served.";
      };
      key = mkOption {
        type = types.nullOr types.str;
        default = null;
        description = "The path of its key as PEM, which stays out of the Nix store and is read by root.";
      };
      keepRooms = mkOption {
        type = types.bool;
        default = false;
        description = "Whether rooms outlive a restart, in /var/lib/huddle.";
      };
      openFirewall = mkOption {
        type = types.bool;
        default = false;
        description = "Whether the firewall lets others in at its port.";
      };
    };

    party = {
      enable = mkEnableOption "the command huddle and what its sandbox needs, for people and for the lab";
      ports = mkOption {
        type = types.nullOr (types.addCheck (types.listOf types.port) (ports: builtins.length ports == 2));
        default = null;
        description = "The first and the last port at which the firewall lets peers in (`huddle host --port`).";
      };
    };
  };

  config = lib.mkMerge [
    (mkIf rendezvous.enable {
      assertions = [
        {
          assertion = (rendezvous.certificate == null) == (rendezvous.key == null);
          message = "services.huddle.rendezvous: certificate and key belong together.";
        }
      ];
      systemd.services.huddle-rendezvous = {
        description = "Huddle rendezvous";
        wantedBy = [ "multi-user.target" ];
        after = [ "network-online.target" ];
        wants = [ "network-online.target" ];
        serviceConfig = {
          ExecStart = lib.escapeShellArgs ([ "${cfg.package}/bin/huddle" ] ++ arguments);
          LoadCredential = lib.optionals (rendezvous.key != null) [ "key:${rendezvous.key}" ];
          Restart = "on-failure";
          DynamicUser = true;
          StateDirectory = "huddle";
          StateDirectoryMode = "0700";
          AmbientCapabilities = lib.optionals (rendezvous.port < 1024) [ "CAP_NET_BIND_SERVICE" ];
          CapabilityBoundingSet = lib.optionals (rendezvous.port < 1024) [ "CAP_NET_BIND_SERVICE" ];
          NoNewPrivileges = true;
          ProtectSystem = "strict";
          ProtectHome = true;
          PrivateTmp = true;
          PrivateDevices = true;
          ProtectKernelTunables = true;
          ProtectKernelModules = true;
          ProtectControlGroups = true;
          RestrictAddressFamilies = [ "AF_UNIX" "AF_INET" "AF_INET6" ];
          RestrictNamespaces = true;
          SystemCallArchitectures = "native";
          SystemCallFilter = [ "@system-service" "~@privileged" ];
          LimitNOFILE = 65536;
        };
      };
      networking.firewall = mkIf rendezvous.openFirewall {
        allowedTCPPorts = [ rendezvous.port ];
        allowedUDPPorts = [ rendezvous.port ];
      };
    })
    (mkIf party.enable {
      environment.systemPackages = [ cfg.package pkgs.bubblewrap ];
      # bubblewrap makes its sandbox with namespaces of a user's own.
      boot.kernel.sysctl."kernel.unprivileged_userns_clone" = lib.mkDefault 1;
      networking.firewall = mkIf (party.ports != null) (
        let
          range = [ { from = builtins.elemAt party.ports 0; to = builtins.elemAt party.ports 1; } ];
        in
        { allowedTCPPortRanges = range; allowedUDPPortRanges = range; }
      );
    })
  ];
}
