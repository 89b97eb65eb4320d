"""Where it is measured: namespaces of this computer, hosts by SSH, clouds."""
