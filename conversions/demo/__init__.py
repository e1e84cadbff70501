"""The demo: a spiking network on real digits, from training to learning on the chip."""
