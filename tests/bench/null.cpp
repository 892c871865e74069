// SPDX-License-Identifier: MIT
// The null server, the floor of what a POP3 server costs on a machine: null PORT ROOT [--sendfile]
//
// An epoll loop on 127.0.0.1 that answers with octets that were made before they are needed. Nobody is authenticated,
// nothing is locked, commands are told by one letter. Messages lie ready in their wire form, in memory or, with
// --sendfile, in one file. It is no mail server, and nothing that one has to do can make it slower.
#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace {

struct Message {
  std::string list, uidl, top;  // replies to LIST n, UIDL n, TOP n 0
  std::string_view retr;        // the same in memory, or
  off_t offset = 0;             // in the file
  std::size_t size = 0;
};

struct Mailbox {
  std::string stat, list, uidl, octets;
  std::vector<Message> messages;
};

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// CRLF line ends, dots doubled, ".CRLF" behind; `size` is what LIST says.
std::string wire_form(const std::string& file, std::size_t& size) {
  std::string wire;
  std::size_t dots = 0;
  bool line_start = true;
  for (const char c : file) {
    if (line_start && c == '.') {
      wire += '.';
      ++dots;
    }
    if (c == '\n' && (wire.empty() || wire.back() != '\r')) wire += '\r';
    wire += c;
    line_start = c == '\n';
  }
  if (!line_start) wire += "\r\n";
  size = wire.size() - dots;
  return wire += ".\r\n";
}

std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  DIR* const stream = ::opendir(folder.c_str());
  while (const dirent* const entry = stream != nullptr ? ::readdir(stream) : nullptr)
    if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
  if (stream != nullptr) ::closedir(stream);
  std::sort(names.begin(), names.end());
  return names;
}

class Mail {
 public:
  Mail(std::string root, bool in_file) : root_(std::move(root)) {
    std::FILE* const file = in_file ? std::tmpfile() : nullptr;
    if (file != nullptr) file_ = ::fileno(file);
  }
  int file() const { return file_; }

  // Made at the first login; stays.
  const Mailbox& of(const std::string& user) {
    const auto [found, is_new] = boxes_.try_emplace(user);
    if (is_new) make(root_ + "/" + user + "/cur", found->second);
    return found->second;
  }

 private:
  void make(const std::string& folder, Mailbox& box) {
    std::size_t total = 0;
    for (const std::string& name : names_in(folder)) {
      std::size_t size = 0;
      const std::string wire = wire_form(read_file(folder + "/" + name), size);
      const std::string number = std::to_string(box.messages.size() + 1);
      const std::string list = number + " " + std::to_string(size) + "\r\n";
      const std::string uidl = number + " " + name.substr(0, name.find_first_of(",:")) + "\r\n";
      const std::string top = "+OK\r\n" + wire.substr(0, wire.find("\r\n\r\n") + 4) + ".\r\n";
      total += size;
      box.list += list;
      box.uidl += uidl;
      box.messages.push_back(
          {"+OK " + list, "+OK " + uidl, top, {}, static_cast<off_t>(box.octets.size()), wire.size() + 5});
      box.octets += "+OK\r\n" + wire;
    }
    box.list = "+OK\r\n" + box.list + ".\r\n";
    box.uidl = "+OK\r\n" + box.uidl + ".\r\n";
    box.stat = "+OK " + std::to_string(box.messages.size()) + " " + std::to_string(total) + "\r\n";
    for (Message& message : box.messages)
      message.retr = std::string_view(box.octets).substr(static_cast<std::size_t>(message.offset), message.size);
    if (file_ >= 0) move_to_file(box);
  }
  void move_to_file(Mailbox& box) {
    if (::pwrite(file_, box.octets.data(), box.octets.size(), end_) != static_cast<ssize_t>(box.octets.size())) {
      std::perror("temporary file");
      std::exit(1);
    }
    for (Message& message : box.messages) message.offset += end_;
    end_ += static_cast<off_t>(box.octets.size());
    std::string().swap(box.octets);
  }

  const std::string root_;
  int file_ = -1;
  off_t end_ = 0;
  std::unordered_map<std::string, Mailbox> boxes_;
};

struct Run {
  const char* data;  // null: from the file
  std::size_t size;
  off_t offset;
};

struct Client {
  explicit Client(int socket) : fd(socket) {}
  const int fd;
  const Mailbox* box = nullptr;
  std::string user, partial;  // a line that has no end yet
  std::vector<Run> out;
  std::size_t sent = 0;  // of out
  bool waits_to_write = false, quit = false;

  void say(std::string_view text) { out.push_back({text.data(), text.size(), 0}); }
};

class Server {
 public:
  Server(int listener, Mail& mail) : mail_(mail), listener_(listener), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    watch(EPOLL_CTL_ADD, listener_, EPOLLIN, nullptr);
  }

  void run() {
    epoll_event events[256];
    for (;;) {
      const int count = ::epoll_wait(epoll_, events, 256, -1);
      for (int i = 0; i < count; ++i) {
        if (events[i].data.ptr == nullptr)
          accept();
        else
          serve(static_cast<Client*>(events[i].data.ptr), events[i].events);
      }
    }
  }

 private:
  void watch(int how, int fd, std::uint32_t what, void* whom) {
    epoll_event event{};
    event.events = what;
    event.data.ptr = whom;
    ::epoll_ctl(epoll_, how, fd, &event);
  }

  void accept() {
    static constexpr char hello[] = "+OK null\r\n";
    for (int batch = 0; batch < 16; ++batch) {
      const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0) return;
      const int on = 1;
      ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      watch(EPOLL_CTL_ADD, fd, EPOLLIN, new Client(fd));
      if (::send(fd, hello, sizeof hello - 1, MSG_NOSIGNAL) < 0) return;
    }
  }

  void serve(Client* client, std::uint32_t events) {
    bool alive = true;
    if (!client->waits_to_write && (events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0) alive = receive(*client);
    if (alive && !client->out.empty()) alive = send(*client);
    if (alive && !(client->quit && client->out.empty())) return;
    ::close(client->fd);
    delete client;
  }

  bool receive(Client& client) {
    static char buffer[64 * 1024];
    const std::size_t before = client.partial.size();
    std::memcpy(buffer, client.partial.data(), before);
    const ssize_t n = ::recv(client.fd, buffer + before, sizeof buffer - before, 0);
    if (n <= 0) return n < 0 && errno == EAGAIN;
    std::string_view octets(buffer, before + static_cast<std::size_t>(n));
    for (std::size_t end = 0; (end = octets.find('\n')) != std::string_view::npos; octets.remove_prefix(end + 1))
      answer(client, octets.substr(0, end));
    client.partial = octets;
    return octets.size() < 4096;
  }

  void answer(Client& client, std::string_view line) {
    const std::size_t space = line.find(' ');
    const std::size_t number = space == std::string_view::npos ? 0 : std::strtoul(line.data() + space + 1, nullptr, 10);
    const char verb = line.empty() ? ' ' : line[0];
    if (verb == 'U' && line[1] == 'S') {
      client.user = line.substr(5, line.find('\r') - 5);
      client.say("+OK\r\n");
    } else if (verb == 'P') {
      client.box = &mail_.of(client.user);
      client.say("+OK\r\n");
    } else if (verb == 'N') {
      client.say("+OK\r\n");
    } else if (verb == 'Q') {
      client.quit = true;
      client.say("+OK\r\n");
    } else if (verb == 'C') {
      client.say("+OK\r\nUSER\r\nTOP\r\nUIDL\r\nPIPELINING\r\n.\r\n");
    } else if (client.box == nullptr || number > client.box->messages.size()) {
      client.say("-ERR\r\n");
    } else if (number == 0) {
      client.say(verb == 'S' ? client.box->stat : verb == 'L' ? client.box->list : client.box->uidl);
    } else {
      const Message& message = client.box->messages[number - 1];
      if (verb == 'R')
        client.out.push_back({mail_.file() >= 0 ? nullptr : message.retr.data(), message.size, message.offset});
      else
        client.say(verb == 'L' ? message.list : verb == 'T' ? message.top : message.uidl);
    }
  }

  // False = the connection is gone.
  bool send(Client& client) {
    bool full = false;
    while (client.sent < client.out.size() && !full) {
      const ssize_t n = client.out[client.sent].data == nullptr ? send_file(client) : send_memory(client);
      if (n < 0 && errno != EAGAIN) return false;
      full = n < 0;
    }
    if (!full) {
      client.out.clear();
      client.sent = 0;
    }
    if (full != client.waits_to_write) watch(EPOLL_CTL_MOD, client.fd, full ? EPOLLOUT : EPOLLIN, &client);
    client.waits_to_write = full;
    return true;
  }
  ssize_t send_file(Client& client) {
    Run& run = client.out[client.sent];
    const ssize_t n = ::sendfile(client.fd, mail_.file(), &run.offset, run.size);
    if (n > 0) run.size -= static_cast<std::size_t>(n);
    if (run.size == 0) ++client.sent;
    return n;
  }
  static ssize_t send_memory(Client& client) {
    iovec parts[64];
    std::size_t count = 0;
    for (std::size_t i = client.sent; i < client.out.size() && client.out[i].data != nullptr && count < 64; ++i)
      parts[count++] = {const_cast<char*>(client.out[i].data), client.out[i].size};
    msghdr message{};
    message.msg_iov = parts;
    message.msg_iovlen = count;
    const ssize_t n = ::sendmsg(client.fd, &message, MSG_NOSIGNAL);
    for (auto left = static_cast<std::size_t>(std::max<ssize_t>(n, 0)); left > 0;) {
      Run& run = client.out[client.sent];
      const std::size_t part = std::min(left, run.size);
      run.data += part;
      run.size -= part;
      left -= part;
      if (run.size == 0) ++client.sent;
    }
    return n;
  }

  Mail& mail_;
  const int listener_, epoll_;
};

int listen_on(int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool listens =
      ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 && ::listen(fd, 4096) == 0;
  return listens ? fd : -1;
}

}  // namespace

int main(int argc, char** argv) {
  const bool in_file = argc == 4 && std::strcmp(argv[3], "--sendfile") == 0;
  if (argc != 3 && !in_file) {
    std::fprintf(stderr, "usage: null PORT ROOT [--sendfile]\n");
    return 2;
  }
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  const int listener = listen_on(std::atoi(argv[1]));
  if (listener < 0) {
    std::perror("null");
    return 1;
  }
  Mail mail(argv[2], in_file);
  Server(listener, mail).run();
}
