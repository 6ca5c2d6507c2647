"""System 1: TCSAN + Audio2AU.

S. Chen, Z. Liu, J. Liu, L. Wang, *Talking Head Generation Driven by Speech-Related Facial Action Units and Audio-Based on
Multimodal Representation Fusion*. Listed in the order of the data flow:
identity.py, audio_encoder.py, audio2au.py → tcsan.py → decoder.py or flow_head.py; generator.py composes them, config.py has
the presets. Encoders and heads are in `realtime/generators/layers/`: system 2 has the same. Where the text leaves a choice, the
module that makes it says so.
"""
