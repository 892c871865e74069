// SPDX-License-Identifier: MIT
// The parts of Boost.Asio in use: names to addresses, signals, and threads for what may take its time.
//
// Connections have a loop of their own (loop.hpp). Asio's reactor sets a socket up anew before each wait (an epoll_ctl
// for every command that comes alone), and keeps about a kilobyte for each that waits.
#ifndef POP3D_ASIO_HPP
#define POP3D_ASIO_HPP

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

namespace pop3d {

namespace asio = boost::asio;
using boost::system::error_code;

}  // namespace pop3d

#endif
