"""Where the time of a frame goes: traces, and tables and plots of stages and operators made from them."""
