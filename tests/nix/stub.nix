# As much of nixpkgs' `lib`, of its module system and of its packages as the project's own Nix files use,
# so that they can be evaluated where nixpkgs is not to be had. Nothing can be built with it.
let
  inherit (builtins) attrNames concatLists concatMap elem filter foldl' head isAttrs isBool isInt isList isString listToAttrs map match replaceStrings tail;

  type = name: check: { _type = "option-type"; inherit name check; };
  types = rec {
    bool = type "boolean" isBool;
    str = type "string" isString;
    path = type "path" (value: builtins.isPath value || (isString value && match "/.*" value != null));
    package = type "package" (value: value.type or "" == "derivation");
    port = type "port" (value: isInt value && value >= 0 && value <= 65535);
    nullOr = one: type "null or ${one.name}" (value: value == null || one.check value);
    listOf = one: type "list of ${one.name}" (value: isList value && builtins.all one.check value);
    addCheck = one: more: type one.name (value: one.check value && more value);
  };
  safe = text: match "[a-zA-Z0-9,._+:@%/-]+" text != null;
in
rec {
  lib = {
    inherit types;
    mkOption = option: option // { _type = "option"; };
    mkEnableOption = what: {
      _type = "option";
      type = types.bool;
      default = false;
      description = "Whether to have ${what}.";
    };
    mkIf = condition: content: { _type = "if"; inherit condition content; };
    mkMerge = contents: { _type = "merge"; inherit contents; };
    mkDefault = value: value;
    optionals = condition: list: if condition then list else [ ];
    genAttrs = names: make: listToAttrs (map (name: { inherit name; value = make name; }) names);
    escapeShellArgs = args:
      builtins.concatStringsSep " " (map (one: if safe one then one else "'${replaceStrings [ "'" ] [ "'\\''" ] one}'") args);
    toLower = text: replaceStrings (lib.letters "ABCDEFGHIJKLMNOPQRSTUVWXYZ") (lib.letters "abcdefghijklmnopqrstuvwxyz") text;
    letters = text: builtins.genList (at: builtins.substring at 1 text) (builtins.stringLength text);
    cleanSource = path: path;
    makeBinPath = packages: builtins.concatStringsSep ":" (map (one: "${one.name}/bin") packages);
  };

  # Plain attributes out of mkIf and mkMerge, lists joined, as the module system does it.
  merge = left: right:
    left // builtins.mapAttrs
      (name: value:
        if !(left ? ${name}) then value
        else if isAttrs value && isAttrs left.${name} then merge left.${name} value
        else if isList value then left.${name} ++ value
        else if value == left.${name} then value
        else throw "${name} is defined twice")
      right;
  plain = value:
    if value._type or "" == "if" then (if value.condition then plain value.content else { })
    else if value._type or "" == "merge" then foldl' merge { } (map plain value.contents)
    else if isAttrs value && value.type or "" != "derivation" then
      builtins.mapAttrs (name: plain) (removeNothing value)
    else value;
  # An attribute that is mkIf false is none.
  removeNothing = value:
    removeAttrs value (filter (name: value.${name}._type or "" == "if" && !value.${name}.condition) (attrNames value));

  # The value of each option: what is set, or its default; a wrong type or name is an error.
  values = path: options: set:
    let unknown = filter (name: !(options ? ${name})) (attrNames set); in
    if unknown != [ ] then throw "there is no option ${path}.${head unknown}"
    else builtins.mapAttrs
      (name: option:
        if option._type or "" != "option" then values "${path}.${name}" option (set.${name} or { })
        else
          let value = set.${name} or option.default; in
          if option.type.check value then value else throw "${path}.${name} is no ${option.type.name}")
      options;

  # All options: path, description, default as JSON can have it.
  described = path: options: concatMap
    (name:
      let option = options.${name}; in
      if option._type or "" == "option" then [{
        path = "${path}.${name}";
        type = option.type.name;
        inherit (option) description;
        default = if option.type.name == "package" then "this one" else option.default;
      }] else described "${path}.${name}" option)
    (attrNames options);

  derivation = name: { type = "derivation"; inherit name; outPath = "/nix/store/${name}"; };
  python3Packages = {
    buildPythonApplication = arguments: (derivation arguments.pname) // { inherit arguments; };
  } // listToAttrs (map (name: { inherit name; value = derivation name; }) [
    "click" "cryptography" "h11" "hatchling" "mpyc" "platformdirs" "prometheus-client" "prompt-toolkit" "psutil"
    "rich" "segno" "spake2" "starlette" "uvicorn" "uvloop" "websockets"
  ]);
  tools = [ "bubblewrap" "cargo" "git" "gnumake" "go" "iproute2" "nftables" "nodejs" "python313" "rustc" "tmux" "uv" ];
  pkgs = {
    inherit lib python3Packages;
    mkShell = arguments: (derivation "shell") // arguments;
    callPackage = path: more:
      let package = import path; in
      package (builtins.intersectAttrs (builtins.functionArgs package) pkgs // more);
  } // listToAttrs (map (name: { inherit name; value = derivation name; }) tools);

  # The configuration that a module makes of these settings (of services.huddle).
  evaluate = module: settings:
    let
      set = values "services.huddle" made.options.services.huddle settings;
      made = module { inherit lib pkgs; config.services.huddle = set; };
      config = plain made.config;
      failed = filter (one: !one.assertion) (config.assertions or [ ]);
    in
    if failed != [ ] then throw (head failed).message
    else builtins.deepSeq (removeAttrs set [ "package" ]) config;
  options = module: described "services.huddle"
    (module { inherit lib pkgs; config.services.huddle = { }; }).options.services.huddle;

  # A flake's outputs, with this in the place of nixpkgs.
  outputs = flake:
    let
      self = flake.outputs {
        inherit self;
        nixpkgs = { inherit lib; legacyPackages = lib.genAttrs [ "x86_64-linux" "aarch64-linux" ] (system: pkgs); };
      };
    in
    self;
}
