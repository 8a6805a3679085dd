// All of Ferry. Including only the header of what you use compiles faster.
#pragma once

#include <ferry/any_object.hpp>
#include <ferry/archive.hpp>
#include <ferry/archive_options.hpp>
#include <ferry/buffer.hpp>
#include <ferry/connection.hpp>
#include <ferry/context.hpp>
#include <ferry/deadline.hpp>
#include <ferry/dispatch_table.hpp>
#include <ferry/error.hpp>
#include <ferry/file.hpp>
#include <ferry/fn.hpp>
#include <ferry/forking_iarchive.hpp>
#include <ferry/forking_oarchive.hpp>
#include <ferry/handle.hpp>
#include <ferry/init.hpp>
#include <ferry/limits.hpp>
#include <ferry/message.hpp>
#include <ferry/process.hpp>
#include <ferry/reducer.hpp>
#include <ferry/shared_array.hpp>
#include <ferry/shared_memory.hpp>
#include <ferry/shared_value.hpp>
#include <ferry/socket.hpp>
#include <ferry/transfer.hpp>
