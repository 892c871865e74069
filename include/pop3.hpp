// SPDX-License-Identifier: MIT
// Everything for a POP3 server, for people in a hurry.
#ifndef POP3_HPP
#define POP3_HPP

#include "mailwire/version.hpp"
#include "pop3/dispatch.hpp"
#include "pop3/session.hpp"

#endif
