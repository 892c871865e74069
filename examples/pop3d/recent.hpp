// SPDX-License-Identifier: MIT
// A map of bounded size: what was put there longest ago goes first.
#ifndef POP3D_RECENT_HPP
#define POP3D_RECENT_HPP

#include <algorithm>
#include <cstddef>
#include <functional>
#include <list>
#include <unordered_map>
#include <utility>

namespace pop3d {

template <class Key, class Value, class Hash = std::hash<Key>>
class Recent {
 public:
  explicit Recent(std::size_t most) : most_(std::max<std::size_t>(most, 1)) {}

  std::size_t size() const noexcept { return places_.size(); }
  const Value* find(const Key& key) const {
    const auto found = places_.find(key);
    return found == places_.end() ? nullptr : &found->second->second;
  }
  void put(const Key& key, Value value) {
    erase(key);
    if (size() >= most_) erase(Key(items_.back().first));
    items_.emplace_front(key, std::move(value));
    places_.emplace(key, items_.begin());
  }
  void erase(const Key& key) {
    const auto found = places_.find(key);
    if (found == places_.end()) return;
    items_.erase(found->second);
    places_.erase(found);
  }

 private:
  using Items = std::list<std::pair<Key, Value>>;  // the newest first

  const std::size_t most_;
  Items items_;
  std::unordered_map<Key, typename Items::iterator, Hash> places_;
};

}  // namespace pop3d

#endif
