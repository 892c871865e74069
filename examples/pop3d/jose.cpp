// SPDX-License-Identifier: MIT
#include "jose.hpp"

#include <cstddef>
#include <cstdint>
#include <set>
#include <utility>
#include <vector>

#include "mailwire/ascii.hpp"

namespace pop3d {
namespace {

using nlohmann::json;

constexpr int deepest = 16;

// 64 = not of the alphabet
constexpr std::uint32_t value_of(char c) noexcept {
  if (c >= 'A' && c <= 'Z') return static_cast<std::uint32_t>(c - 'A');
  if (c >= 'a' && c <= 'z') return static_cast<std::uint32_t>(c - 'a' + 26);
  if (mailwire::is_digit(c)) return static_cast<std::uint32_t>(c - '0' + 52);
  if (c == '-') return 62;
  return c == '_' ? 63 : 64;
}

// Watches a text being parsed: the names in each object that is open.
class Strictness {
 public:
  bool operator()(int depth, json::parse_event_t event, const json& parsed) {
    using Event = json::parse_event_t;
    if (depth > deepest) broken_ = true;
    if (event == Event::object_start) open_.emplace_back();
    if (event == Event::object_end && !open_.empty()) open_.pop_back();
    if (event == Event::key && !open_.empty()) add(parsed);
    return !broken_;  // what is behind a mistake is not kept
  }
  bool broken() const noexcept { return broken_; }

 private:
  void add(const json& name) {
    const auto* const text = name.get_ptr<const std::string*>();
    if (text == nullptr || !open_.back().insert(*text).second) broken_ = true;
  }

  std::vector<std::set<std::string>> open_;
  bool broken_ = false;
};

}  // namespace

std::optional<std::string> decode_base64url(std::string_view text) {
  std::string octets;
  octets.reserve(text.size() * 3 / 4);  // so that a secret leaves no copy behind
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char c : text) {
    const std::uint32_t value = value_of(c);
    if (value == 64) return std::nullopt;
    bits = (bits << 6) | value;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    octets += static_cast<char>(static_cast<unsigned char>(bits >> count));
    bits &= (1U << count) - 1;
  }
  if (bits != 0 || count == 6) return std::nullopt;
  return octets;
}

std::optional<json> parse_object(std::string_view text) {
  Strictness strictness;
  const auto watch = [&](int depth, json::parse_event_t event, const json& parsed) {
    return strictness(depth, event, parsed);
  };
  json object = json::parse(text.begin(), text.end(), watch, false);
  if (strictness.broken() || !object.is_object()) return std::nullopt;
  return object;
}

const std::string* text_member(const json& object, std::string_view name) {
  const auto found = object.find(name);
  return found == object.end() ? nullptr : found->get_ptr<const std::string*>();
}

}  // namespace pop3d
