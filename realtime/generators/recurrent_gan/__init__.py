"""System 2: GRU + Audio2AU, with a discriminator of frames in its training.

S. Chen et al., *Talking Head Generation with Audio and Speech Related Facial Action Units*.
In the order of the data flow: identity.py, audio_encoder.py, audio2au.py → recurrent.py → decoder.py or flow_head.py, all in
`realtime/generators/layers/`; generator.py composes them, config.py has the presets. The discriminator is in
`training/discriminators/frame.py`: a call needs none.
"""
