// SPDX-License-Identifier: MIT
// Octets in memory that belongs to somebody else, in the form that writev and Asio like.
#ifndef MAILWIRE_BUFFERS_HPP
#define MAILWIRE_BUFFERS_HPP

#include <cstddef>

namespace mailwire {
inline namespace v1 {

struct MutableBuffer {
  char* data = nullptr;
  std::size_t size = 0;  // octets
};

struct ConstBuffer {
  const char* data = nullptr;
  std::size_t size = 0;  // octets
};

}  // namespace v1
}  // namespace mailwire

#endif
