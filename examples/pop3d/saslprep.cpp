// SPDX-License-Identifier: MIT
#include "saslprep.hpp"

#include <stringprep.h>

#include "mailwire/ascii.hpp"
#include "mailwire/secret.hpp"

namespace pop3d {
namespace {

// NFKC makes 33 octets of the 3 of U+FDFA; nothing grows more.
constexpr std::size_t growth = 11;

}  // namespace

std::optional<std::string> saslprep(std::string_view text, Prepare form) {
  if (text.size() > longest_prepared || text.find('\0') != std::string_view::npos) return std::nullopt;
  if (mailwire::all_of(text, mailwire::is_text)) return std::string(text);
  const auto flags = static_cast<Stringprep_profile_flags>(form == Prepare::stored ? STRINGPREP_NO_UNASSIGNED : 0);
  char room[growth * longest_prepared + 1];
  room[text.copy(room, longest_prepared)] = '\0';
  std::optional<std::string> prepared;
  if (::stringprep(room, sizeof room, flags, stringprep_saslprep) == STRINGPREP_OK && room[0] != '\0')
    prepared.emplace(room);
  mailwire::wipe(room, sizeof room);
  return prepared;
}

}  // namespace pop3d
