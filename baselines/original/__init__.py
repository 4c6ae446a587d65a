"""DFF (Zhu et al., CVPR 2017) and Accel (Jain et al., CVPR 2019) as first published, on DeepLab at stride 16.

Both come from Accel's program; that of DFF holds detection alone. Parameters have names of their own.
"""
