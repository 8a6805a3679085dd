// SPDX-License-Identifier: BSL-1.0
// All of Ferry but <ferry/tracking_archive.hpp>, which is for trusted peers alone and brings Boost's archives
// with it, and <ferry/boost_export.hpp>, which acts where it is included. Including only the header of what
// you use compiles faster.
#pragma once

#include <ferry/address.hpp>
#include <ferry/any_object.hpp>
#include <ferry/archive.hpp>
#include <ferry/archive_options.hpp>
#include <ferry/arena.hpp>
#include <ferry/barrier.hpp>
#include <ferry/bind_front.hpp>
#include <ferry/buffer.hpp>
#include <ferry/condition_variable.hpp>
#include <ferry/connection.hpp>
#include <ferry/context.hpp>
#include <ferry/deadline.hpp>
#include <ferry/dispatch_table.hpp>
#include <ferry/engine.hpp>
#include <ferry/error.hpp>
#include <ferry/event.hpp>
#include <ferry/file.hpp>
#include <ferry/file_mode.hpp>
#include <ferry/fn.hpp>
#include <ferry/forking_iarchive.hpp>
#include <ferry/forking_oarchive.hpp>
#include <ferry/handle.hpp>
#include <ferry/init.hpp>
#include <ferry/joinable_queue.hpp>
#include <ferry/lease.hpp>
#include <ferry/limits.hpp>
#include <ferry/listener.hpp>
#include <ferry/lock_error.hpp>
#include <ferry/message.hpp>
#include <ferry/mutex.hpp>
#include <ferry/named_semaphore.hpp>
#include <ferry/offer.hpp>
#include <ferry/once_flag.hpp>
#include <ferry/pool.hpp>
#include <ferry/pool_options.hpp>
#include <ferry/process.hpp>
#include <ferry/process_handle.hpp>
#include <ferry/queue.hpp>
#include <ferry/reducer.hpp>
#include <ferry/results.hpp>
#include <ferry/semaphore.hpp>
#include <ferry/send_handle.hpp>
#include <ferry/shared_array.hpp>
#include <ferry/shared_memory.hpp>
#include <ferry/shared_value.hpp>
#include <ferry/simple_queue.hpp>
#include <ferry/socket.hpp>
#include <ferry/socket_kind.hpp>
#include <ferry/stream_archive.hpp>
#include <ferry/task.hpp>
#include <ferry/transfer.hpp>
#include <ferry/wait.hpp>
