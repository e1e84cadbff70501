"""The roads between worlds: models in, networks out, with proof that the spikes are the same.

Every public name stands in ``__init__.pyi``, where editors and type checkers find it too.
Nothing is imported before it is used.
"""

import lazy_loader

# A verb does not live in a file of its own name: importing that file would put the module
# in the place of the verb.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
