// SPDX-License-Identifier: MIT
// What main.cpp needs of the machine: a serial line, a clock, a heap that is counted. Written for an STM32F405 (QEMU's
// netduinoplus2); another board differs in board.cpp and board.ld alone.
#ifndef BOARD_HPP
#define BOARD_HPP

#include <chrono>
#include <cstddef>
#include <string_view>

namespace board {

using TimePoint = std::chrono::steady_clock::time_point;

// ---- the serial line ----------------------------------------------------------------------------------------------
bool receive(char& octet);  // false: none has come
void send(std::string_view octets);
void sleep();  // until an interrupt, at most a millisecond

TimePoint now();  // since the start

// ---- what is used of the memory -----------------------------------------------------------------------------------
struct Heap {
  std::size_t size = 0;         // octets that the heap was given so far: it grows when this does
  std::size_t live = 0;         // octets asked for and not given back
  std::size_t most = 0;         // the most there were at a time
  std::size_t allocations = 0;  // calls of operator new
};
Heap heap();
// Takes so many octets for the heap at once, so that they are there when they are needed.
void reserve_heap(std::size_t octets);
std::size_t most_stack();  // octets that were in use at some time

// ---- the debugger at the other end --------------------------------------------------------------------------------
void report(const char* what, std::size_t number);  // "what number"
[[noreturn]] void stop(bool success);

}  // namespace board

#endif
