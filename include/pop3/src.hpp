// SPDX-License-Identifier: MIT
// Separate compilation: define POP3_SEPARATE for the whole program and include this in exactly one source file.
#ifndef POP3_SRC_HPP
#define POP3_SRC_HPP

#ifndef POP3_SEPARATE
#error "pop3/src.hpp needs POP3_SEPARATE, defined for the whole program"
#endif

#include "impl/answers.ipp"
#include "impl/commands.ipp"
#include "impl/extensions.ipp"
#include "impl/replies.ipp"
#include "impl/sasl.ipp"
#include "impl/session.ipp"

#endif
