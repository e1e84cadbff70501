"""A ``FixedPointNetwork`` as Lava Processes; the only package that imports lava.

Importing it imports Lava (on all Pythons of this distribution, see
:mod:`hw_models.lava_processes.compatibility`) or says how to install it.
"""

from hw_models.lava_processes.compatibility import import_lava

import_lava()
