// SPDX-License-Identifier: MIT
// What JSON Web Tokens and JSON Web Keys are written in.
#ifndef POP3D_JOSE_HPP
#define POP3D_JOSE_HPP

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace pop3d {

// RFC 7515, 2: the alphabet "-_", no padding, no line ends. Bits that mean nothing have to be 0, so that each text has
// one form only.
std::optional<std::string> decode_base64url(std::string_view text);

// An object, and no member of it or of what it holds is named twice (RFC 7519, 4; RFC 8725, 2.6). Throws nothing but
// std::bad_alloc.
std::optional<nlohmann::json> parse_object(std::string_view text);

// Null = there is none of this name, or it is no text.
const std::string* text_member(const nlohmann::json& object, std::string_view name);

}  // namespace pop3d

#endif
