"""What CFFM-VSS and MRCFA share, as networks that segment a frame from a clip of four."""
