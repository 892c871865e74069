// SPDX-License-Identifier: MIT
#include "session.hpp"

bool b_greets_and_quits() { return greets_and_quits(); }
