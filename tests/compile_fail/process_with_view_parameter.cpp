// expect: it is a view of memory that nobody here owns
// expect: receive std::string for std::string_view
#include <ferry/process.hpp>

#include <string>
#include <string_view>

#ifdef FERRY_CONTROL
void work(std::string text);
#else
void work(std::string_view text);
#endif

void start() {
  ferry::process child(ferry::fn<&work>, "text");
}
