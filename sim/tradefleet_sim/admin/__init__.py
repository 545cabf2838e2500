"""What an operator of the simulator sees and does: accounts, state, faults, metrics. No part of any venue."""
