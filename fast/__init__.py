"""`./run build-fast`: the hot path compiled by mypyc, from the sources that run without it.

`build` compiles and puts the result where `protocols.compiled` looks for it; `functions` writes the module of what
the codec would otherwise write at run time; `training` plays the traffic from which it knows what that is.
Nothing that runs imports this.
"""
