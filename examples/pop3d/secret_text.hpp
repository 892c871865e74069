// SPDX-License-Identifier: MIT
#ifndef POP3D_SECRET_TEXT_HPP
#define POP3D_SECRET_TEXT_HPP

#include <string>
#include <string_view>
#include <utility>

#include "mailwire/secret.hpp"

namespace pop3d {

// A string that is wiped when it goes. It does not grow, since that would leave copies.
class SecretText {
 public:
  explicit SecretText(std::string_view text) : text_(text) {}
  explicit SecretText(std::string&& text) noexcept : text_(std::move(text)) {}
  SecretText(SecretText&& other) noexcept : text_(std::move(other.text_)) { other.wipe(); }
  SecretText& operator=(SecretText&& other) noexcept {
    std::swap(text_, other.text_);
    return *this;
  }
  ~SecretText() { wipe(); }

  std::string_view view() const noexcept { return text_; }
  const char* c_str() const noexcept { return text_.c_str(); }

 private:
  void wipe() noexcept {
    text_.resize(text_.capacity());  // a string that was moved keeps short texts, beyond its end
    mailwire::wipe(text_.data(), text_.size());
    text_.clear();
  }

  std::string text_;
};

}  // namespace pop3d

#endif
