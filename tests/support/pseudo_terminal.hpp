#pragma once

#include <functional>
#include <string>
#include <sys/types.h>
#include <termios.h>

namespace sojourn::tests {

/// A terminal of the test's own, and one command that runs on it in the foreground, as a shell
/// starts it. What is on it is read and typed here. The command is killed at the end of its life.
class PseudoTerminal {
public:
    PseudoTerminal();
    ~PseudoTerminal();
    PseudoTerminal(const PseudoTerminal&) = delete;
    PseudoTerminal& operator=(const PseudoTerminal&) = delete;

    /// Once: a child with this as controlling terminal and as its streams, and without handlers of
    /// signals; it exits with what `work` returns.
    void start(const std::function<int()>& work);
    /// The command's pid.
    [[nodiscard]] pid_t command() const { return command_; }
    /// Its next status, as waitpid(2) tells it: it has stopped, or ended.
    [[nodiscard]] int wait() const;

    void type(const std::string& text) const;
    /// All that has appeared on it so far.
    const std::string& output();
    void resize(unsigned short columns, unsigned short rows) const;
    [[nodiscard]] termios settings() const;
    [[nodiscard]] bool is_raw() const { return (settings().c_lflag & ICANON) == 0; }
    /// The end that programs use, before start().
    [[nodiscard]] int near_end() const { return near_; }

private:
    [[noreturn]] void be_shell(const std::function<int()>& work, int told, int life) const;

    int far_ = -1;
    int near_ = -1;
    int statuses_ = -1;  ///< from the shell, which lives as long as it could read from `life_`
    int life_ = -1;
    pid_t shell_ = 0;
    pid_t command_ = 0;
    std::string output_;
};

}  // namespace sojourn::tests
