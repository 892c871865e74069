// SPDX-License-Identifier: MIT
// SASLprep (RFC 4013): names and passwords that look the same become the same octets.
#ifndef POP3D_SASLPREP_HPP
#define POP3D_SASLPREP_HPP

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pop3d {

// RFC 4013, 2.5: what is kept may hold no code point that Unicode 3.2 had not assigned, what is asked for may.
enum class Prepare : std::uint8_t { stored, query };

inline constexpr std::size_t longest_prepared = 1024;  // octets that are looked at

// Nothing: not UTF-8, too long, a character that is prohibited (a control, NUL among them), letters of both
// directions mixed, or characters and none is left. Printable ASCII stays as it is. May throw std::bad_alloc.
std::optional<std::string> saslprep(std::string_view text, Prepare form);

}  // namespace pop3d

#endif
