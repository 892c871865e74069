// SPDX-License-Identifier: MIT
#ifndef LOAD_UTIL_HPP
#define LOAD_UTIL_HPP

#include <string>
#include <string_view>
#include <vector>

namespace load {

// A check that failed ends the program with status 1: what a broken server does has no numbers.
[[noreturn]] void fail(const std::string& why);

// For messages: CR, LF and what is not ASCII escaped, cut after 200 octets.
std::string printable(std::string_view octets);

double now();  // seconds, monotonic

// Sorts; 0 if there is none.
double percentile(std::vector<float>& values, double part);

}  // namespace load

#endif
