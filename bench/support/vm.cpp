#include "bench/support/vm.hpp"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdexcept>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

namespace sojourn::bench {

namespace {

constexpr int kPatienceMs = 120'000;

struct Pipe {
    int read_end = -1;
    int write_end = -1;
};

Pipe make_pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
    return {ends[0], ends[1]};
}

std::string command_text(const std::vector<std::string>& arguments) {
    return fmt::format("vm {}", fmt::join(arguments, " "));
}

pid_t spawn(std::vector<std::string> arguments, int input, int output) {
    arguments.insert(arguments.begin(), "vm");
    std::vector<char*> pointers;
    for (std::string& argument : arguments)
        pointers.push_back(argument.data());
    pointers.push_back(nullptr);
    posix_spawn_file_actions_t files;
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawn_file_actions_adddup2(&files, input, STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
    pid_t pid = 0;
    const int error = ::posix_spawn(&pid, SOJOURN_VM, &files, nullptr, pointers.data(), environ);
    ::posix_spawn_file_actions_destroy(&files);
    if (error != 0) throw std::runtime_error("cannot start " SOJOURN_VM);
    return pid;
}

}  // namespace

std::uint64_t now_ns() {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
}

std::string guest(const std::string& name) {
    std::string path = fmt::format("{}/{}.wasm", SOJOURN_GUESTS, name);
    if (std::filesystem::exists(path)) return path;
    throw std::runtime_error("no " + path + ": clang-16 or lld-16 was missing at the build");
}

bool takes_option(const std::string& verb, const std::string& option) {
    RunningVm help({verb, "--help"});
    while (const auto line = help.next_line()) {
        if (line->find("  " + option + " ") != std::string::npos) return true;
    }
    return false;
}

RunningVm::RunningVm(std::vector<std::string> arguments) {
    const Pipe input = make_pipe();
    const Pipe output = make_pipe();
    started_at_ns_ = now_ns();
    pid_ = spawn(std::move(arguments), input.read_end, output.write_end);
    ::close(input.read_end);
    ::close(output.write_end);
    input_ = input.write_end;
    output_ = output.read_end;
}

RunningVm::RunningVm(RunningVm&& other) noexcept
    : pid_(std::exchange(other.pid_, 0)),
      started_at_ns_(other.started_at_ns_),
      input_(std::exchange(other.input_, -1)),
      output_(std::exchange(other.output_, -1)),
      unread_(std::move(other.unread_)) {}

RunningVm::~RunningVm() {
    kill();
    if (input_ >= 0) ::close(input_);
    if (output_ >= 0) ::close(output_);
}

void RunningVm::send(const std::string& line) const {
    const std::string text = line + "\n";
    if (::write(input_, text.data(), text.size()) != static_cast<ssize_t>(text.size()))
        throw std::runtime_error("the guest took no command");
}

std::optional<std::string> RunningVm::next_line() {
    for (;;) {
        const auto end = unread_.find('\n');
        if (end != std::string::npos) {
            std::string line = unread_.substr(0, end);
            unread_.erase(0, end + 1);
            return line;
        }
        pollfd ready{output_, POLLIN, 0};
        if (::poll(&ready, 1, kPatienceMs) != 1) throw std::runtime_error("the guest is silent");
        char buffer[65536];
        const ssize_t length = ::read(output_, buffer, sizeof buffer);
        if (length <= 0) return std::nullopt;
        unread_.append(buffer, static_cast<std::size_t>(length));
    }
}

std::string RunningVm::read_line() {
    auto line = next_line();
    if (!line) throw std::runtime_error("the guest's output has ended");
    return std::move(*line);
}

std::string RunningVm::ask(const std::string& line) {
    send(line);
    return read_line();
}

std::uint64_t RunningVm::ask_number(const std::string& line) {
    return number_in(ask(line));
}

void RunningVm::kill() {
    if (pid_ == 0) return;
    ::kill(pid_, SIGKILL);
    wait();
}

int RunningVm::wait() {
    int status = 0;
    ::waitpid(std::exchange(pid_, 0), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::uint64_t number_in(const std::string& line) {
    return std::stoull(line.substr(line.find(' ') + 1));
}

RunningVm VmStore::start(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin() + 1, {"--store", location().native()});
    return RunningVm(std::move(arguments));
}

std::string VmStore::run(std::vector<std::string> arguments) const {
    const std::string command = command_text(arguments);
    RunningVm vm = start(std::move(arguments));
    std::string output;
    while (const auto line = vm.next_line())
        output += *line + "\n";
    const int exit_code = vm.wait();
    if (exit_code == 0) return output;
    throw std::runtime_error(fmt::format("{} ended with {}", command, exit_code));
}

nlohmann::json VmStore::run_json(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin() + 1, "--json");
    return nlohmann::json::parse(run(std::move(arguments)));
}

std::vector<nlohmann::json> VmStore::log(const std::string& name) const {
    return run_json({"log", name})["checkpoints"];
}

std::uint64_t VmStore::bytes_on_disk() const {
    std::uint64_t bytes = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_.path())) {
        struct stat about {};
        if (::lstat(entry.path().c_str(), &about) == 0)
            bytes += static_cast<std::uint64_t>(about.st_blocks) * 512;
    }
    return bytes;
}

}  // namespace sojourn::bench
