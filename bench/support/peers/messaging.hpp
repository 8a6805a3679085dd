// SPDX-License-Identifier: BSL-1.0
// Other libraries' ways of handing blocks of bytes from process to process, behind one shape: `put` and `get`
// of a block of the size given. Made before the processes are forked.
#pragma once

#include "support/crew.hpp"
#include "support/peers/reference_ring.hpp"
#include "support/socket_pair.hpp"

#include <boost/interprocess/ipc/message_queue.hpp>

#include <array>
#include <cstddef>
#include <dlfcn.h>
#include <string>
#include <sys/socket.h>
#include <vector>

namespace bench {

template <std::size_t Capacity>
class reference_queue {
 public:
  void put(const std::vector<std::byte>& block) { ring_->put(block.data(), block.size()); }
  void get(std::vector<std::byte>& block) { ring_->get(block.data()); }

 private:
  shared<reference_ring<Capacity>> ring_;
};

class packet_socket {
 public:
  packet_socket() = default;
  ~packet_socket() {
    for (const int each : ends_) ::close(each);
  }
  packet_socket(const packet_socket&) = delete;
  packet_socket& operator=(const packet_socket&) = delete;
  void put(const std::vector<std::byte>& block) {
    if (::send(ends_[0], block.data(), block.size(), MSG_NOSIGNAL) < 0) fail("send");
  }
  void get(std::vector<std::byte>& block) {
    if (::recv(ends_[1], block.data(), block.size(), 0) < 0) fail("recv");
  }

 private:
  std::array<int, 2> ends_ = socket_pair(SOCK_SEQPACKET);
};

/// Boost.Interprocess keeps its queue in memory with a name.
class boost_queue {
 public:
  boost_queue(std::size_t most, std::size_t size)
      : name_("ferry-bench-" + std::to_string(::getpid()) + '-' + std::to_string(next_number())),
        queue_(boost::interprocess::create_only, name_.c_str(), most, size) {}
  ~boost_queue() { boost::interprocess::message_queue::remove(name_.c_str()); }
  boost_queue(const boost_queue&) = delete;
  boost_queue& operator=(const boost_queue&) = delete;
  void put(const std::vector<std::byte>& block) { queue_.send(block.data(), block.size(), 0); }
  void get(std::vector<std::byte>& block) {
    boost::interprocess::message_queue::size_type size = 0;
    unsigned priority = 0;
    queue_.receive(block.data(), block.size(), size, priority);
  }

 private:
  static int next_number() {
    static int last = 0;
    return ++last;
  }
  std::string name_;
  boost::interprocess::message_queue queue_;
};

/// What is needed of libzmq, loaded while the program runs: so that it is built, and starts, without it.
class zeromq_library {
 public:
  static constexpr int pull = 7, push = 8;

  /// The library, or null where it is not installed.
  static const zeromq_library* find() {
    static void* const handle = ::dlopen("libzmq.so.5", RTLD_NOW);
    static const zeromq_library found(handle);
    return handle == nullptr ? nullptr : &found;
  }

  void* (*make_context)();
  void* (*make_socket)(void* context, int kind);
  int (*bind)(void* socket, const char* address);
  int (*connect)(void* socket, const char* address);
  int (*send)(void* socket, const void* bytes, std::size_t size, int flags);
  int (*receive)(void* socket, void* bytes, std::size_t size, int flags);
  int (*close)(void* socket);
  int (*end_context)(void* context);

 private:
  explicit zeromq_library(void* handle) {
    const auto load = [handle]<class Function>(Function*& function, const char* name) {
      function = handle == nullptr ? nullptr : reinterpret_cast<Function*>(::dlsym(handle, name));
    };
    load(make_context, "zmq_ctx_new");
    load(make_socket, "zmq_socket");
    load(bind, "zmq_bind");
    load(connect, "zmq_connect");
    load(send, "zmq_send");
    load(receive, "zmq_recv");
    load(close, "zmq_close");
    load(end_context, "zmq_ctx_term");
  }
};

/// One process pushes and another pulls; each makes its end when it first needs it, after the fork.
class zeromq_ipc {
 public:
  explicit zeromq_ipc(const zeromq_library& library) : library_(library), folder_("/tmp/ferry-bench-XXXXXX") {
    if (::mkdtemp(folder_.data()) == nullptr) fail("mkdtemp");
  }
  ~zeromq_ipc() {
    ::unlink((folder_ + "/socket").c_str());
    ::rmdir(folder_.c_str());
  }
  zeromq_ipc(const zeromq_ipc&) = delete;
  zeromq_ipc& operator=(const zeromq_ipc&) = delete;
  void put(const std::vector<std::byte>& block) {
    if (library_.send(end(zeromq_library::push), block.data(), block.size(), 0) < 0) fail("zmq_send");
  }
  void get(std::vector<std::byte>& block) {
    if (library_.receive(end(zeromq_library::pull), block.data(), block.size(), 0) < 0) fail("zmq_recv");
  }
  /// Waits until all is sent. To be called by who has put.
  void finish() {
    library_.close(end(zeromq_library::push));
    library_.end_context(context_);
  }

 private:
  void* end(int kind) {
    if (socket_ != nullptr) return socket_;
    context_ = library_.make_context();
    socket_ = library_.make_socket(context_, kind);
    const std::string address = "ipc://" + folder_ + "/socket";
    const auto open = kind == zeromq_library::pull ? library_.bind : library_.connect;
    if (open(socket_, address.c_str()) != 0) fail("zmq_bind or zmq_connect");
    return socket_;
  }

  const zeromq_library& library_;
  std::string folder_;
  void* context_ = nullptr;
  void* socket_ = nullptr;
};

}  // namespace bench
