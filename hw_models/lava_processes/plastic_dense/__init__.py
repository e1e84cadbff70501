"""The Process of a dense projection that learns by integer DA-SSDP.

Lava's compiler executes every file of this folder when it looks for ProcessModels.
"""
