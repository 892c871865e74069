// SPDX-License-Identifier: MIT
// One session, everything decided by the input: what the client says and in which pieces, what the application answers
// and when, how time goes by, who hangs up. The harness checks each promise of session.hpp on the way.
#ifndef FUZZ_GAME_HPP
#define FUZZ_GAME_HPP

#include <cstddef>
#include <cstdint>
#include <string>

namespace fuzz {

// Plays the input (play.hpp has its form) and returns all that came out: octets, trace, events.
std::string play_game(const std::uint8_t* data, std::size_t size);

}  // namespace fuzz

#endif
