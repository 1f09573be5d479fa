"""A command in any language, run and reported without a change to it: the engine of `argus run`."""
