"""The shared core of the playground: no screen in here, and no TensorFlow until it is needed."""

import os

# TensorFlow's notes on which processor instructions it uses would fill every log; its warnings stay.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")

# Off by itself on processors without AVX-512, where it still takes a quarter off a convolution's time.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
