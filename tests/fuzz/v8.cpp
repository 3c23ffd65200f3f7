#include "tests/fuzz/v8.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <random>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/fuzz/generated_module.hpp"

namespace sojourn::fuzz {

using vm::Opcode;

namespace {

/// What an engine may lack: instructions, or a property of memories.
struct Extension {
    std::vector<Opcode> opcodes;
    bool has_memory64 = false;
    bool has_several_memories = false;
};

/// In the order of asking. V8 takes no module with exceptions of both forms.
std::vector<Extension> extensions() {
    using enum Opcode;
    return {
        {{return_call, return_call_indirect}},
        {{try_table, throw_ref}},
        {{try_, catch_, rethrow, delegate, catch_all}},
        {{call_ref, return_call_ref}},
        {{ref_as_non_null, br_on_null, br_on_non_null}},
        {{}, true, false},
        {{}, false, true},
    };
}

void set(Dialect& dialect, const std::vector<Opcode>& opcodes, bool value) {
    for (const Opcode opcode : opcodes)
        dialect.opcodes.set(static_cast<std::size_t>(opcode), value);
}

/// WebAssembly 2.0 and tags.
Dialect base_dialect() {
    constexpr std::uint32_t kFirstRelaxed = 0x100;
    Dialect dialect;
    for (std::size_t row = 0; row < vm::kOpcodeCount; ++row) {
        const auto& info = vm::kOpcodes[row];
        const bool is_relaxed = info.prefix == vm::kPrefixVector && info.code >= kFirstRelaxed;
        dialect.opcodes.set(row, !is_relaxed);
    }
    for (const Extension& extension : extensions())
        set(dialect, extension.opcodes, false);
    return dialect;
}

pid_t start_node(int socket) {
    posix_spawn_file_actions_t files;
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawn_file_actions_adddup2(&files, socket, STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&files, socket, STDOUT_FILENO);
    std::string program = "node";
    std::string script = "tests/fuzz/v8.mjs";
    std::array<char*, 3> arguments{program.data(), script.data(), nullptr};
    pid_t pid = 0;
    const int error =
        ::posix_spawnp(&pid, program.c_str(), &files, nullptr, arguments.data(), environ);
    ::posix_spawn_file_actions_destroy(&files);
    return error == 0 ? pid : 0;
}

bool read_all(int fd, MutableBytes bytes) {
    while (!bytes.empty()) {
        const ssize_t count = ::read(fd, bytes.data(), bytes.size());
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return false;
        bytes = bytes.subspan(static_cast<std::size_t>(count));
    }
    return true;
}

}  // namespace

V8* V8::shared() {
    static const std::unique_ptr<V8> only = [] {
        std::array<int, 2> sockets{};
        const int made = ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets.data());
        EXPECTS(made == 0, "two ends of a socket can be made");
        UniqueFd ours(sockets[0]);
        const UniqueFd its(sockets[1]);
        std::signal(SIGPIPE, SIG_IGN);  // should it end, writing says so
        std::unique_ptr<V8> v8;
        if (const pid_t pid = start_node(its.get()); pid != 0)
            v8.reset(new V8(std::move(ours), pid));
        return v8 && v8->find_dialect() ? std::move(v8) : nullptr;
    }();
    return only.get();
}

V8::~V8() {
    socket_ = UniqueFd();
    ::waitpid(pid_, nullptr, 0);
}

std::string V8::observe(Bytes module) {
    ByteWriter message;
    message.put_sized(module);
    std::uint32_t byte_count = 0;
    const bool is_answered =
        write_all(socket_.get(), message.view()).ok() &&
        read_all(socket_.get(), std::as_writable_bytes(std::span(&byte_count, 1)));
    std::string text(is_answered ? byte_count : 0, '\0');
    EXPECTS(is_answered && read_all(socket_.get(), std::as_writable_bytes(std::span(text))),
            "node lives and answers");
    return text;
}

bool V8::accepts(const Dialect& dialect) {
    constexpr unsigned kModules = 16;
    std::mt19937 random(4);
    for (unsigned i = 0; i < kModules; ++i) {
        ByteVector choices(2000);
        for (std::byte& choice : choices)
            choice = static_cast<std::byte>(random());
        if (observe(generated_module(choices, dialect)).starts_with("refused")) return false;
    }
    return true;
}

bool V8::find_dialect() {
    dialect_ = base_dialect();
    if (!accepts(dialect_)) return false;
    for (const Extension& extension : extensions()) {
        Dialect wider = dialect_;
        set(wider, extension.opcodes, true);
        wider.has_memory64 |= extension.has_memory64;
        wider.has_several_memories |= extension.has_several_memories;
        if (accepts(wider)) dialect_ = wider;
    }
    return true;
}

}  // namespace sojourn::fuzz
