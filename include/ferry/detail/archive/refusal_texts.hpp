// SPDX-License-Identifier: BSL-1.0
// Texts for each thing that cannot cross to another process, and for each call that cannot be made there.
#pragma once

#pragma GCC system_header  // so that compilers do not explain where the macro is expanded

/// Expands to `ROW(kind, text, ...)` for each `ferry::detail::refusal`. A macro, for a static_assert and an
/// attribute take nothing but a literal for a text.
///
/// A text says what it is about, why it is refused, and then only what compiles: each way out that is named
/// here is taken by a file of tests/compile_fail where FERRY_CONTROL is defined.
#define FERRY_DETAIL_REFUSALS(ROW, ...)                                                                      \
  /* --- of every type -------------------------------------------------------------------------------- */   \
  ROW(base,                                                                                                  \
      "ferry: an aggregate with a base class cannot cross to another process: the members of the base "      \
      "cannot be named. Ways out: make the base a member; give the class a Boost.Serialization `serialize` " \
      "function; or specialise ferry::reducer for it",                                                       \
      __VA_ARGS__)                                                                                           \
  ROW(marked_not_serializable,                                                                               \
      "ferry: a class that BOOST_CLASS_IMPLEMENTATION marks as not_serializable does not cross to another "  \
      "process. Ways out: leave it out of what is sent; take the mark away; or specialise ferry::reducer "   \
      "for it",                                                                                              \
      __VA_ARGS__)                                                                                           \
  ROW(marked_primitive,                                                                                      \
      "ferry: a class that BOOST_CLASS_IMPLEMENTATION marks as primitive_type crosses as its bytes, and "    \
      "there is more to it: a destructor, a base or virtual functions. Ways out: mark it "                   \
      "object_serializable and give it a `serialize` function; or specialise ferry::reducer for it",         \
      __VA_ARGS__)                                                                                           \
  ROW(read_into_const,                                                                                       \
      "ferry: an object is to be read that is const, and reading would change it. Ways out: drop the "       \
      "const; "                                                                                              \
      "give the member its value where the object is made, by load_construct_data or a ferry::reducer; or, " \
      "if it is a wrapper that stands for another object, say so with BOOST_CLASS_IS_WRAPPER",               \
      __VA_ARGS__)                                                                                           \
  ROW(reference_member,                                                                                      \
      "ferry: an aggregate with a member that is a reference, or one that nothing can be converted to, "     \
      "cannot cross to another process. Ways out: make the member a value; give the class a "                \
      "Boost.Serialization `serialize` function; or specialise ferry::reducer for it",                       \
      __VA_ARGS__)                                                                                           \
  ROW(too_many_members,                                                                                      \
      "ferry: an aggregate with more than 100 members, or with C arrays of more than 8192 elements "         \
      "altogether, cannot cross to another process. Ways out: make several members one, which is an "        \
      "aggregate; make the arrays std::array or std::vector; or specialise ferry::reducer for it",           \
      __VA_ARGS__)                                                                                           \
  ROW(union_member,                                                                                          \
      "ferry: an aggregate with a union cannot cross to another process, nor one with an anonymous union: "  \
      "it does not say which member that holds. Ways out: a std::variant in place of the union; a "          \
      "Boost.Serialization `serialize` function; or specialise ferry::reducer for the aggregate",            \
      __VA_ARGS__)                                                                                           \
  ROW(bit_field,                                                                                             \
      "ferry: an aggregate with a bit-field cannot cross to another process: no reference can be bound to "  \
      "it. Ways out: a whole number in place of the bit-field, e.g. std::uint8_t; a Boost.Serialization "    \
      "`serialize` function that writes and reads copies; or specialise ferry::reducer for the aggregate",   \
      __VA_ARGS__)                                                                                           \
  ROW(volatile_value,                                                                                        \
      "ferry: a volatile value cannot cross to another process, nor an aggregate with a volatile member: "   \
      "its memory changes by itself. Ways out: a value that is not volatile; a copy of it; or "              \
      "ferry::shared_value, which both processes see",                                                       \
      __VA_ARGS__)                                                                                           \
  ROW(reference,                                                                                             \
      "ferry: a reference cannot cross to another process, which does not have the memory that it refers "   \
      "to. Ways out: the value itself; or ferry::shared_value, which both processes see",                    \
      __VA_ARGS__)                                                                                           \
  ROW(function_pointer,                                                                                      \
      "ferry: a pointer to a function cannot cross to another process: it means nothing there. Ways out: a " \
      "std::variant of ferry::fn<&function> and the like to choose from; or a number that stands for it",    \
      __VA_ARGS__)                                                                                           \
  ROW(c_file,                                                                                                \
      "ferry: a FILE* cannot cross to another process: it is a buffer of this one. Ways out: ferry::file, "  \
      "opened by name or made of its descriptor; or the path, as std::filesystem::path",                     \
      __VA_ARGS__)                                                                                           \
  ROW(text_pointer,                                                                                          \
      "ferry: a pointer to characters cannot cross to another process: it does not say who owns them. "      \
      "Ways out: std::string; or, to send only, std::string_view",                                           \
      __VA_ARGS__)                                                                                           \
  ROW(pointer,                                                                                               \
      "ferry: a raw pointer cannot cross to another process: it says neither who owns what it points to "    \
      "nor "                                                                                                 \
      "how much that is. Ways out: std::unique_ptr, std::shared_ptr or a container; ferry::shared_memory; "  \
      "or, among trusted peers, ferry::tracking_oarchive",                                                   \
      __VA_ARGS__)                                                                                           \
  ROW(unique_to_array,                                                                                       \
      "ferry: a std::unique_ptr to an array does not know how many elements it owns: use std::vector",       \
      __VA_ARGS__)                                                                                           \
  ROW(shared_to_unknown,                                                                                     \
      "ferry: a std::shared_ptr or boost::shared_ptr to an array or to void does not know what it owns: "    \
      "use a container or a class",                                                                          \
      __VA_ARGS__)                                                                                           \
  ROW(owner_of_undeletable,                                                                                  \
      "ferry: a std::unique_ptr, boost::scoped_ptr or boost::intrusive_ptr to a polymorphic class without "  \
      "a virtual destructor cannot delete what it may have received: give the class one",                    \
      __VA_ARGS__)                                                                                           \
  ROW(lambda,                                                                                                \
      "ferry: a lambda with captures cannot cross to another process: its captures cannot be named. Ways "   \
      "out: pass the captured values as arguments; write a struct with operator() and its state as "         \
      "members; "                                                                                            \
      "ferry::bind_front(ferry::fn<&function>, values...); or, for a process that copies this one's "        \
      "memory, "                                                                                             \
      "ferry::process::fork(closure)",                                                                       \
      __VA_ARGS__)                                                                                           \
  ROW(union_type,                                                                                            \
      "ferry: a union cannot cross to another process: it does not say which member it holds. Ways out: "    \
      "std::variant; or specialise ferry::reducer for it",                                                   \
      __VA_ARGS__)                                                                                           \
  ROW(nothing, "ferry: void is no value. Ways out: std::monostate; or send_bytes and recv_bytes",            \
      __VA_ARGS__)                                                                                           \
  ROW(iterator,                                                                                              \
      "ferry: an iterator cannot cross to another process: it is a place in a container of this one. Ways "  \
      "out: the element; or its index or key",                                                               \
      __VA_ARGS__)                                                                                           \
  ROW(range,                                                                                                 \
      "ferry: a view, a generator or a range that does not own its elements cannot cross to another "        \
      "process. Ways out: collect the elements into a container, e.g. std::vector, and send that; or "       \
      "specialise ferry::reducer for it",                                                                    \
      __VA_ARGS__)                                                                                           \
  ROW(polymorphic,                                                                                           \
      "ferry: a class with virtual functions cannot cross to another process as an aggregate does. Ways "    \
      "out: give it a Boost.Serialization `serialize` function; or specialise ferry::reducer for it. "       \
      "Behind "                                                                                              \
      "a std::unique_ptr or std::shared_ptr to a base, also name each class in a ferry::dispatch_table",     \
      __VA_ARGS__)                                                                                           \
  ROW(no_encoding,                                                                                           \
      "ferry: a class that has no way to cross to another process. Ways out: make it an aggregate whose "    \
      "members can cross; give it a Boost.Serialization `serialize` function; specialise ferry::reducer "    \
      "for "                                                                                                 \
      "it with name, reduce and rebuild; or register these while the program runs, with "                    \
      "ferry::dispatch_table::add and ferry::registered_at_run_time",                                        \
      __VA_ARGS__)                                                                                           \
  /* --- of well-known types of the standard library */                                                      \
  ROW(std_function,                                                                                          \
      "ferry: a std::function cannot cross to another process: it hides what it holds. Ways out: the "       \
      "callable itself: ferry::fn<&function>, ferry::bind_front of one, or a struct with operator() and "    \
      "its "                                                                                                 \
      "state as members; or a std::variant of those to choose from",                                         \
      __VA_ARGS__)                                                                                           \
  ROW(std_bind,                                                                                              \
      "ferry: what std::bind, std::bind_front, std::mem_fn and std::not_fn make cannot cross to another "    \
      "process: its members cannot be named. Ways out: ferry::bind_front(ferry::fn<&function>, values...); " \
      "or a struct with operator() and its state as members",                                                \
      __VA_ARGS__)                                                                                           \
  ROW(std_reference_wrapper,                                                                                 \
      "ferry: a std::reference_wrapper (std::ref, std::cref) cannot cross to another process, which does "   \
      "not "                                                                                                 \
      "have the memory that it refers to. Ways out: the value itself, and what becomes of it as the result " \
      "of a task; or ferry::shared_value, which both processes see",                                         \
      __VA_ARGS__)                                                                                           \
  ROW(std_thread,                                                                                            \
      "ferry: a std::thread or std::jthread cannot cross to another process: it runs in this one. Ways "     \
      "out: "                                                                                                \
      "start it there, in the function that the other process runs; or use a ferry::process",                \
      __VA_ARGS__)                                                                                           \
  ROW(std_thread_id,                                                                                         \
      "ferry: a std::thread::id cannot cross to another process: it names a thread of this one. Ways out: "  \
      "a "                                                                                                   \
      "number of your own; or the pid of ferry::current_process()",                                          \
      __VA_ARGS__)                                                                                           \
  ROW(std_stop,                                                                                              \
      "ferry: a std::stop_token, std::stop_source or std::stop_callback cannot cross to another process: "   \
      "it "                                                                                                  \
      "tells the threads of this one. Ways out: a ferry::event that both processes look at; or "             \
      "ferry::map_options::stop, which stays here",                                                          \
      __VA_ARGS__)                                                                                           \
  ROW(std_file_stream,                                                                                       \
      "ferry: a file stream cannot cross to another process: it is a buffer of this one. Ways out: "         \
      "ferry::file; or the path, as std::filesystem::path, opened there",                                    \
      __VA_ARGS__)                                                                                           \
  ROW(std_string_stream,                                                                                     \
      "ferry: a string stream cannot cross to another process: it is a buffer and a place in it. Ways out: " \
      "its text, by str()",                                                                                  \
      __VA_ARGS__)                                                                                           \
  ROW(std_stream,                                                                                            \
      "ferry: a stream cannot cross to another process: it is a buffer of this one. Ways out: the text as "  \
      "std::string; or ferry::file",                                                                         \
      __VA_ARGS__)                                                                                           \
  ROW(std_any,                                                                                               \
      "ferry: a std::any cannot cross to another process: it hides what it holds. Ways out: a std::variant " \
      "of what it may hold; or a std::unique_ptr to a base class",                                           \
      __VA_ARGS__)                                                                                           \
  ROW(std_future,                                                                                            \
      "ferry: a std::future, std::shared_future, std::promise or std::packaged_task cannot cross to "        \
      "another "                                                                                             \
      "process: it ties threads of this one. Ways out: the task that ferry::pool::submit returns, which "    \
      "stays here; or an end of ferry::pipe(), by which the result comes",                                   \
      __VA_ARGS__)                                                                                           \
  ROW(std_exception_holder,                                                                                  \
      "ferry: a std::nested_exception cannot cross to another process by itself. Ways out: "                 \
      "std::exception_ptr, of std::current_exception()",                                                     \
      __VA_ARGS__)                                                                                           \
  ROW(std_atomic,                                                                                            \
      "ferry: a std::atomic cannot cross to another process: it would be another one there. Ways out: its "  \
      "value, by load(); or ferry::shared_value of a std::atomic, which both processes see",                 \
      __VA_ARGS__)                                                                                           \
  ROW(std_mutex,                                                                                             \
      "ferry: a std::mutex and its kind cannot cross to another process: it synchronises the threads of "    \
      "one "                                                                                                 \
      "process only. Ways out: ferry::mutex or ferry::recursive_mutex, which live in shared memory",         \
      __VA_ARGS__)                                                                                           \
  ROW(std_lock,                                                                                              \
      "ferry: a std::unique_lock, std::lock_guard, std::scoped_lock or std::shared_lock cannot cross to "    \
      "another process: it belongs to who has locked. Ways out: the ferry::mutex itself, locked there",      \
      __VA_ARGS__)                                                                                           \
  ROW(std_condition_variable,                                                                                \
      "ferry: a std::condition_variable cannot cross to another process: it synchronises the threads of "    \
      "one "                                                                                                 \
      "process only. Ways out: ferry::condition_variable or ferry::event, which live in shared memory",      \
      __VA_ARGS__)                                                                                           \
  ROW(std_semaphore,                                                                                         \
      "ferry: a std::counting_semaphore cannot cross to another process: it synchronises the threads of "    \
      "one "                                                                                                 \
      "process only. Ways out: ferry::semaphore, which lives in shared memory",                              \
      __VA_ARGS__)                                                                                           \
  ROW(std_barrier,                                                                                           \
      "ferry: a std::barrier or std::latch cannot cross to another process: it synchronises the threads of " \
      "one process only. Ways out: ferry::barrier or ferry::semaphore, which live in shared memory",         \
      __VA_ARGS__)                                                                                           \
  ROW(std_once_flag,                                                                                         \
      "ferry: a std::once_flag cannot cross to another process: it is for the threads of one process only. " \
      "Ways out: ferry::once_flag, which lives in shared memory",                                            \
      __VA_ARGS__)                                                                                           \
  ROW(std_directory,                                                                                         \
      "ferry: a directory iterator or entry cannot cross to another process: it is a place in a directory "  \
      "that is open here. Ways out: the std::filesystem::path, by path(), or a std::vector of them",         \
      __VA_ARGS__)                                                                                           \
  ROW(std_coroutine,                                                                                         \
      "ferry: a std::coroutine_handle cannot cross to another process: it is a place in a function that "    \
      "runs in this one. Ways out: what the coroutine yields, collected into a container",                   \
      __VA_ARGS__)                                                                                           \
  ROW(std_locale,                                                                                            \
      "ferry: a std::locale cannot cross to another process: it is a table of this one. Ways out: its "      \
      "name(), of which a std::locale can be made there",                                                    \
      __VA_ARGS__)                                                                                           \
  ROW(std_regex,                                                                                             \
      "ferry: a std::basic_regex cannot cross to another process: it does not give its pattern back. Ways "  \
      "out: the pattern as std::string, compiled there",                                                     \
      __VA_ARGS__)                                                                                           \
  ROW(std_match,                                                                                             \
      "ferry: a match of a regular expression cannot cross to another process: it is made of iterators "     \
      "into "                                                                                                \
      "the text. Ways out: its text, by str(); or position() and length()",                                  \
      __VA_ARGS__)                                                                                           \
  ROW(std_random,                                                                                            \
      "ferry: an engine or a distribution of random numbers cannot cross to another process by itself. "     \
      "Ways "                                                                                                \
      "out: its seed or its parameters; or its state as text, which operator<< writes and operator>> reads", \
      __VA_ARGS__)                                                                                           \
  ROW(std_random_device,                                                                                     \
      "ferry: a std::random_device cannot cross to another process: it is a resource of this one. Ways "     \
      "out: "                                                                                                \
      "make another one there; or send the numbers",                                                         \
      __VA_ARGS__)                                                                                           \
  ROW(std_type,                                                                                              \
      "ferry: a std::type_info or std::type_index cannot cross to another process: it is an address in "     \
      "this "                                                                                                \
      "one. Ways out: its name(), as std::string; or a std::variant of the types",                           \
      __VA_ARGS__)                                                                                           \
  ROW(std_time_zone,                                                                                         \
      "ferry: a time zone cannot cross to another process: it is a table of this one. Ways out: its name "   \
      "and a std::chrono::sys_time",                                                                         \
      __VA_ARGS__)                                                                                           \
  ROW(std_source_location,                                                                                   \
      "ferry: a std::source_location cannot cross to another process: it points into this program. Ways "    \
      "out: its file_name() as std::string, and its line()",                                                 \
      __VA_ARGS__)                                                                                           \
  ROW(std_category,                                                                                          \
      "ferry: a std::error_category cannot cross to another process by itself. Ways out: std::error_code, "  \
      "which crosses by the name of its category",                                                           \
      __VA_ARGS__)                                                                                           \
  ROW(std_allocator,                                                                                         \
      "ferry: an allocator or a memory resource cannot cross to another process: its memory is in this "     \
      "one. "                                                                                                \
      "Ways out: the container alone, which crosses without it",                                             \
      __VA_ARGS__)                                                                                           \
  ROW(std_other,                                                                                             \
      "ferry: a class of the standard library that has no way to cross to another process. Ways out: the "   \
      "values in it, as numbers, strings and containers; for a container, the header of "                    \
      "Boost.Serialization that is for it; or specialise ferry::reducer for it",                             \
      __VA_ARGS__)                                                                                           \
  /* --- of Ferry's own types */                                                                             \
  ROW(ferry_task,                                                                                            \
      "ferry: a ferry::task cannot cross to another process: its result comes to this one. Ways out: the "   \
      "result, by get()",                                                                                    \
      __VA_ARGS__)                                                                                           \
  ROW(ferry_pool,                                                                                            \
      "ferry: a ferry::pool and what its calls give cannot cross to another process: its workers answer to " \
      "this one. Ways out: make another pool there; or a ferry::queue by which the work goes",               \
      __VA_ARGS__)                                                                                           \
  ROW(ferry_process,                                                                                         \
      "ferry: a ferry::process cannot cross to another process: its parent alone can join it. Ways out: a "  \
      "ferry::process_handle of its pid()",                                                                  \
      __VA_ARGS__)                                                                                           \
  ROW(ferry_lease,                                                                                           \
      "ferry: a ferry::lease cannot cross to another process: it belongs to who took the item. Ways out: "   \
      "the item, by *lease",                                                                                 \
      __VA_ARGS__)                                                                                           \
  ROW(ferry_other,                                                                                           \
      "ferry: a class of Ferry that belongs to one process. Ways out: what it was made of; or "              \
      "ferry::connection, ferry::queue, ferry::file and the like, which cross",                              \
      __VA_ARGS__)                                                                                           \
  /* --- of what can be sent, but not received */                                                            \
  ROW(not_movable,                                                                                           \
      "ferry: what arrives is returned, which takes a class that can be moved. Ways out: ferry::loads_into " \
      "an object that is there; a std::unique_ptr to it, at both ends; or a move constructor",               \
      __VA_ARGS__)                                                                                           \
  ROW(view_arriving,                                                                                         \
      "ferry: a std::string_view or std::span can be sent, but not received: it is a view of memory that "   \
      "has no owner here. Ways out: receive std::string for std::string_view, std::vector<X> for "           \
      "std::span<X>",                                                                                        \
      __VA_ARGS__)                                                                                           \
  ROW(handle_view_arriving,                                                                                  \
      "ferry: a ferry::handle_view can be sent, but not received: it would have no owner here. Ways out: "   \
      "receive a ferry::unique_handle",                                                                      \
      __VA_ARGS__)                                                                                           \
  ROW(own_functions,                                                                                         \
      "ferry: a container that compares or hashes by a pointer to a function, a std::function or an "        \
      "object with members can be sent, but not received: that does not travel with it. Ways out: compare "  \
      "by a class without members, e.g. std::greater<> or a struct with an operator(); read into a "         \
      "container that has its function, with ferry::loads_into; or specialise ferry::reducer for it",        \
      __VA_ARGS__)                                                                                           \
  ROW(made_with_arguments,                                                                                   \
      "ferry: a container that nothing makes without arguments, such as its allocator, can be sent, but "    \
      "not received. Ways out: give it an allocator that can be made without arguments; read into a "        \
      "container that has one, with ferry::loads_into; or specialise ferry::reducer for it",                 \
      __VA_ARGS__)                                                                                           \
  ROW(reference_arriving, "ferry: values are read, not references: drop const and &", __VA_ARGS__)           \
  /* --- of calls */                                                                                         \
  ROW(bare_function,                                                                                         \
      "ferry: a pointer to a function cannot cross to another process. Ways out: name the function: "        \
      "ferry::fn<&function>",                                                                                \
      __VA_ARGS__)                                                                                           \
  ROW(argument_count,                                                                                        \
      "ferry: another number of arguments than the callable has parameters (default arguments do not "       \
      "cross: "                                                                                              \
      "give them all)",                                                                                      \
      __VA_ARGS__)                                                                                           \
  ROW(argument_type,                                                                                         \
      "ferry: an argument does not convert to the parameter of the callable that it is for. Ways out: "      \
      "convert it, or change the parameter's type",                                                          \
      __VA_ARGS__)                                                                                           \
  ROW(reference_parameter,                                                                                   \
      "ferry: a parameter that is a reference to what may be changed: the other process gets a copy, and "   \
      "what it does to that is not seen here. Ways out: take it by value or as const T&, and return what "   \
      "becomes of it; or ferry::shared_value, which both processes see",                                     \
      __VA_ARGS__)                                                                                           \
  ROW(not_callable,                                                                                          \
      "ferry: the callable cannot be called with these arguments, which it gets as values that it may move " \
      "from. Ways out: parameters that are values or const T&",                                              \
      __VA_ARGS__)                                                                                           \
  ROW(no_range,                                                                                              \
      "ferry: what a pool maps over is no range, which has a begin and an end. Ways out: a container or a "  \
      "view; {1, 2, 3}; or, for a single call, submit or apply",                                             \
      __VA_ARGS__)                                                                                           \
  ROW(no_tuple,                                                                                              \
      "ferry: starmap calls with the parts of each element, and an element is neither a tuple nor a pair. "  \
      "Ways out: map, which calls with the whole element; or a range of std::tuple",                         \
      __VA_ARGS__)                                                                                           \
  ROW(state_parameter, "ferry: a callable of with_state<S> takes S& as its first parameter", __VA_ARGS__)    \
  ROW(state_result, "ferry: what makes the state of with_state<S> has to return an S", __VA_ARGS__)          \
  ROW(unkept_argument,                                                                                       \
      "ferry: a call that is made later, or several times, keeps its arguments. Ways out: move in what "     \
      "cannot be copied; give a container where the parameter is a std::span",                               \
      __VA_ARGS__)
