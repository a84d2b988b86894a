#include "support/serving.h"

#include <array>
#include <csignal>
#include <stdexcept>

#include <sys/wait.h>
#include <unistd.h>

#include "support/http_client.h"

namespace retinaface::testing {

Serving::Serving(const std::string& program, const std::vector<std::string>& options) {
  std::vector<std::string> words = {program, "serve", "--port", "0"};
  words.insert(words.end(), options.begin(), options.end());
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  std::array<int, 2> pipe{};
  if (::pipe(pipe.data()) != 0) throw std::runtime_error("pipe failed");
  process_ = ::fork();
  if (process_ == 0) {
    ::dup2(pipe[1], STDOUT_FILENO);
    ::close(pipe[0]);
    ::close(pipe[1]);
    ::execv(program.c_str(), arguments.data());
    ::_exit(127);
  }
  ::close(pipe[1]);
  char c = 0;
  while (::read(pipe[0], &c, 1) == 1 && c != '\n') url_ += c;
  ::close(pipe[0]);
  if (url_.empty()) {
    throw std::runtime_error("the service ended with " + std::to_string(wait()));
  }
  port_ = port_of(url_);
}

Serving::~Serving() {
  if (process_ < 0) return;
  ::kill(process_, SIGKILL);
  wait();
}

void Serving::signal(int number) const {
  ::kill(process_, number);
}

int Serving::wait() {
  int status = 0;
  ::waitpid(process_, &status, 0);
  process_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace retinaface::testing
