#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "leases/random.hpp"
#include "process/console_protocol.hpp"
#include "process/control_server.hpp"
#include "process/internal/control_socket.hpp"
#include "process/remote.hpp"
#include "process/runner_lock.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace sojourn;
using namespace sojourn::process;

namespace {

/// A runner as its clients see it; the test is its guest's thread.
class ControlFixture {
public:
    explicit ControlFixture(std::filesystem::path directory) : directory_(std::move(directory)) {
        std::filesystem::create_directories(directory_);
        record_.name = "job";
        lock_.emplace(RunnerLock::acquire(directory_, record_.id).value());
        interrupt_ = leases::Interrupt::create().value();
        inbox_.emplace(*interrupt_);
        start();
    }
    ~ControlFixture() {
        inbox_->close(fail(ErrorCode::not_found, "it has ended"));
        server_.reset();
    }

    void start() {
        const RunnerStatus status{record_.id.hex(), record_.name, ::getpid(), store::Epoch{3}};
        server_ =
            ControlServer::start(directory_, record_.id, status, *inbox_, console_.get(), clock_)
                .value();
    }

    Result<ControlAnswer> ask(ControlVerb verb) {
        return process::ask(directory_, record_, {verb, "why"});
    }

    UniqueFd connect() { return connect_in(directory_, control_socket_name(record_.id)).value(); }

    std::string talk(std::string_view line) {
        const UniqueFd socket = connect();
        ::send(socket.get(), line.data(), line.size(), MSG_NOSIGNAL);
        std::string answer(4096, '\0');
        const ssize_t got = ::read(socket.get(), answer.data(), answer.size());
        answer.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
        return answer;
    }

    /// What the guest's thread does at a safepoint: waits for a request and answers it.
    void serve_one(const Result<store::CheckpointInfo>& result) {
        for (;;) {
            if (auto request = inbox_->take(false)) {
                served_message_ = request->message;
                return request->answer(result);
            }
            ::usleep(1000);
        }
    }

    void serve_one(leases::LeaseManager& leases) {
        for (;;) {
            if (auto request = inbox_->take(false)) return request->with_leases(leases);
            ::usleep(1000);
        }
    }

    std::filesystem::path directory_;
    store::ProcessRecord record_;
    SystemClock clock_;
    std::optional<RunnerLock> lock_;
    std::unique_ptr<leases::Interrupt> interrupt_;
    std::optional<Inbox> inbox_;
    std::unique_ptr<leases::Console> console_ = leases::Console::create().value();
    std::unique_ptr<ControlServer> server_;
    std::string served_message_;
};

store::CheckpointInfo checkpoint_seven() {
    store::CheckpointInfo info;
    info.id = store::Version{7};
    info.parent = store::Version{6};
    info.pause_us = 12;
    info.message = "before \"the\" merge";
    return info;
}

}  // namespace

TEST_CASE("how much memory is in use comes back from an answer as it was told", "[process]") {
    const RunnerStatus runner{"id", "job", 7, store::Epoch{3}};
    ControlAnswer limited{.runner = runner};
    limited.memory = MemoryUse{4096, 65536, 1 << 20};
    ControlAnswer unlimited{.runner = runner};
    unlimited.memory = MemoryUse{0, 8192, std::nullopt};

    REQUIRE(parse_answer(encode_answer(limited)).value().memory == limited.memory);
    REQUIRE(parse_answer(encode_answer(unlimited)).value().memory == unlimited.memory);
    REQUIRE_FALSE(parse_answer(encode_answer(ControlAnswer{.runner = runner})).value().memory);
    REQUIRE(parse_answer(R"({"ok":true,"memory":{"dirty_bytes":-1,"cache_bytes":"x"}})")
                .value()
                .memory == MemoryUse{});
}

TEST_CASE("how code is run comes back from an answer as it was told", "[process]") {
    using Tier = vm::CodeState::Tier;
    const Sha256 one = sha256_of(as_bytes("one"));
    const Sha256 other = sha256_of(as_bytes("other"));
    ControlAnswer answer{.runner = {"id", "job", 7, store::Epoch{3}}};
    answer.code = CodeUse{.engine = vm::Engine::jit,
                          .functions = {{"compiled", 2}, {"interpreted: too long", 1}},
                          .states = {{one, 7, 0, Tier::compiled},
                                     {other, 3, 0x10, Tier::waiting},
                                     {one, 9, 0, Tier::interpreted}}};

    REQUIRE(parse_answer(encode_answer(answer)).value().code == answer.code);
    for (const char* damaged : {R"({"engine":"fast"})", R"({"engine":"jit","modules":["ab"]})",
                                R"({"engine":"jit","states":[{"module":0,"tier":"compiled"}]})",
                                R"({"engine":"jit","functions":7,"states":[7]})"}) {
        REQUIRE_FALSE(parse_answer(fmt::format(R"({{"ok":true,"code":{}}})", damaged)).ok());
    }
}

TEST_CASE("a runner tells its status without stopping the guest", "[process]") {
    tests::TemporaryFolder folder;
    ControlFixture runner(folder.path());

    const auto answer = runner.ask(ControlVerb::status);

    REQUIRE(answer.ok());
    REQUIRE(answer->runner.pid == ::getpid());
    REQUIRE(answer->runner.epoch == store::Epoch{3});
    REQUIRE_FALSE(runner.interrupt_->raised());
}

TEST_CASE("who attaches types into the console, and is told the mode that the guest wants",
          "[process]") {
    const tests::TemporaryFolder folder;
    ControlFixture runner(folder.path());
    const auto attached =
        process::attach(runner.directory_, runner.record_, leases::WindowSize{100, 40});
    REQUIRE(attached.ok());
    CHECK(attached->mode == leases::TerminalMode::cooked);
    CHECK(runner.console_->state().size == leases::WindowSize{100, 40});

    const std::string typed = encode_console_message({.input = "typed\n"}) +
                              encode_console_message({.window = leases::WindowSize{90, 30}});
    REQUIRE(::send(attached->socket.get(), typed.data(), typed.size(), 0) ==
            static_cast<ssize_t>(typed.size()));
    while (runner.console_->state().size != leases::WindowSize{90, 30})
        ::usleep(1000);

    CHECK(runner.console_->unread() == leases::TypedPieces{"typed\n"});
    runner.console_->set_mode(leases::TerminalMode::raw);
    char line[100];
    const ssize_t got = ::read(attached->socket.get(), line, sizeof(line));
    REQUIRE(got > 0);
    CHECK(parse_mode({line, static_cast<std::size_t>(got)}).value() == leases::TerminalMode::raw);
}

TEST_CASE("one client at a time is attached, and the next when it has gone", "[process]") {
    const tests::TemporaryFolder folder;
    ControlFixture runner(folder.path());
    auto first = process::attach(runner.directory_, runner.record_, {});
    REQUIRE(first.ok());

    const auto second = process::attach(runner.directory_, runner.record_, {});

    CHECK(second.error().code == ErrorCode::busy);
    first->socket = UniqueFd();
    CHECK(process::attach(runner.directory_, runner.record_, {}).ok());
}

TEST_CASE("an attached client that talks nonsense is dropped, and the others are served",
          "[process]") {
    const tests::TemporaryFolder folder;
    ControlFixture runner(folder.path());
    const std::string lines[] = {"nonsense\n", "[]\n", "{\"input\":\"xy\"}\n", "{\"input\":7}\n",
                                 std::string(kControlLineBytesMax + 1, ' ')};
    for (const std::string& line : lines) {
        const auto attached = process::attach(runner.directory_, runner.record_, {});
        REQUIRE(attached.ok());
        ::send(attached->socket.get(), line.data(), line.size(), MSG_NOSIGNAL);

        char nothing[1];
        INFO(line.substr(0, 20));
        CHECK(::read(attached->socket.get(), nothing, 1) <= 0);
        CHECK(runner.ask(ControlVerb::status).ok());
    }
    CHECK(runner.console_->unread().empty());
}

TEST_CASE("a guest that reads nothing makes who types wait, and nothing is lost", "[process]") {
    const tests::TemporaryFolder folder;
    ControlFixture runner(folder.path());
    const auto attached = process::attach(runner.directory_, runner.record_, {});
    REQUIRE(attached.ok());
    std::string expected;
    for (char piece = 'a'; piece < 'z'; ++piece)
        expected += std::string(kTypedBytesMax, piece);
    std::thread typist([&] {
        for (std::size_t at = 0; at < expected.size(); at += kTypedBytesMax) {
            const std::string line =
                encode_console_message({.input = expected.substr(at, kTypedBytesMax)});
            ::send(attached->socket.get(), line.data(), line.size(), 0);
        }
    });

    std::string read;
    std::string buffer(1000, ' ');
    while (read.size() < expected.size()) {
        const iovec room{.iov_base = buffer.data(), .iov_len = buffer.size()};
        auto got = runner.console_->read({&room, 1});
        if (got.ok()) read += buffer.substr(0, *got);
    }

    typist.join();
    CHECK(read == expected);
}

TEST_CASE("ten thousand leases reach the client, each as it is", "[process][leases]") {
    constexpr std::size_t kCount = 10'000;
    tests::TemporaryFolder folder;
    ControlFixture runner(folder.path());
    SystemRandom random;
    const leases::Host host{
        .clock = runner.clock_, .random = random, .interrupt = *runner.interrupt_};
    leases::LeaseManager manager(host, store::Epoch{3});
    manager.set_terms({{leases::ServiceKind::random, 3'600'000'000'000}});
    for (std::size_t i = 0; i < kCount; ++i)
        manager.grant(leases::RandomService::open(host, i));
    std::optional<Result<ControlAnswer>> answer;
    std::thread client([&] { answer.emplace(runner.ask(ControlVerb::expire_lease)); });

    runner.serve_one(manager);
    client.join();

    REQUIRE((*answer)->leases.size() == kCount);
    const leases::Lease& last = (*answer)->leases.back();
    REQUIRE(last.id == leases::LeaseId{kCount});
    REQUIRE(last.kind == leases::ServiceKind::random);
    REQUIRE(last.state == leases::LeaseState::expired);
    REQUIRE(last.description == "random from seed 9999");
    REQUIRE(last.ttl_ns == 3'600'000'000'000);
    REQUIRE_FALSE(last.remaining_ns);
}

TEST_CASE("a question about leases that finds the process ending is answered", "[process]") {
    tests::TemporaryFolder folder;
    ControlFixture runner(folder.path());
    runner.inbox_->close(fail(ErrorCode::not_found, "it has ended"));

    const auto answer = runner.ask(ControlVerb::leases);

    REQUIRE(answer.error().code == ErrorCode::not_found);
}

TEST_CASE("a checkpoint is answered when the guest's thread has answered it", "[process]") {
    tests::TemporaryFolder folder;
    ControlFixture runner(folder.path());
    std::optional<Result<ControlAnswer>> answer;
    std::thread client([&] { answer.emplace(runner.ask(ControlVerb::checkpoint)); });

    runner.serve_one(checkpoint_seven());
    client.join();

    REQUIRE(answer->ok());
    REQUIRE((*answer)->checkpoint->id == store::Version{7});
    REQUIRE((*answer)->checkpoint->parent == store::Version{6});
    REQUIRE((*answer)->checkpoint->message == "before \"the\" merge");
    REQUIRE(runner.served_message_ == "why");
}

TEST_CASE("the error of a checkpoint reaches the client with its code", "[process]") {
    tests::TemporaryFolder folder;
    ControlFixture runner(folder.path());
    std::optional<Result<ControlAnswer>> answer;
    std::thread client([&] { answer.emplace(runner.ask(ControlVerb::suspend)); });

    runner.serve_one(fail(ErrorCode::store_full, "no space left"));
    client.join();

    REQUIRE(answer->error().code == ErrorCode::store_full);
    REQUIRE(answer->error().message == "no space left");
}

TEST_CASE("nonsense on the socket is answered with an error and harms nobody", "[process]") {
    tests::TemporaryFolder folder;
    ControlFixture runner(folder.path());

    for (const char* line :
         {"\n", "{\n", "[]\n", "{\"verb\":7}\n", "{\"verb\":\"dance\"}\n", "\xff\xfe\n"}) {
        INFO(line);
        REQUIRE(runner.talk(line).find("invalid_argument") != std::string::npos);
    }
    REQUIRE(runner.talk(std::string(kControlLineBytesMax + 100, 'x')).find("invalid_argument") !=
            std::string::npos);

    REQUIRE(runner.ask(ControlVerb::status).ok());
}

TEST_CASE("clients that vanish or stay silent do not keep others from their answers", "[process]") {
    tests::TemporaryFolder folder;
    ControlFixture runner(folder.path());
    const UniqueFd silent = runner.connect();
    {
        const UniqueFd vanishing = runner.connect();
        const std::string_view line = "{\"verb\":\"checkpoint\"}\n";
        ::send(vanishing.get(), line.data(), line.size(), MSG_NOSIGNAL);
    }

    runner.serve_one(checkpoint_seven());

    REQUIRE(runner.ask(ControlVerb::status).ok());
}

TEST_CASE("many clients at once each get an answer of their own", "[process]") {
    tests::TemporaryFolder folder;
    ControlFixture runner(folder.path());
    constexpr int kClients = 100;
    std::atomic<int> answered = 0;
    std::vector<std::thread> clients;
    for (int i = 0; i < kClients; ++i) {
        clients.emplace_back([&] {
            if (runner.ask(ControlVerb::checkpoint).ok()) ++answered;
        });
    }

    for (int i = 0; i < kClients; ++i)
        runner.serve_one(checkpoint_seven());
    for (auto& client : clients)
        client.join();

    REQUIRE(answered == kClients);
}

TEST_CASE("what waits when a process ends is answered before its socket goes", "[process]") {
    tests::TemporaryFolder folder;
    std::optional<Result<ControlAnswer>> answer;
    std::thread client;
    {
        ControlFixture runner(folder.path());
        client = std::thread([&] { answer.emplace(runner.ask(ControlVerb::suspend)); });
        while (!runner.inbox_->has_requests())
            ::usleep(1000);
        runner.inbox_->close(fail(ErrorCode::not_found, "it has ended"));
        runner.server_.reset();
        client.join();
    }

    REQUIRE(answer->error().message == "it has ended");
}

TEST_CASE("a socket works in a folder whose path is longer than an address", "[process]") {
    tests::TemporaryFolder folder;
    ControlFixture runner(folder.path() / std::string(120, 'a') / std::string(120, 'b'));

    REQUIRE(runner.ask(ControlVerb::status).ok());
}

TEST_CASE("the socket of a dead runner is replaced", "[process]") {
    tests::TemporaryFolder folder;
    const UniqueFd dead = listen_in(folder.path(), control_socket_name({})).value();

    ControlFixture runner(folder.path());

    REQUIRE(runner.ask(ControlVerb::status).ok());
}

TEST_CASE("a process without a runner can't be asked", "[process]") {
    tests::TemporaryFolder folder;
    store::ProcessRecord record;
    record.name = "job";

    const auto answer = ask(folder.path(), record, {ControlVerb::status, ""});

    REQUIRE(answer.error().code == ErrorCode::not_found);
    REQUIRE(answer.error().message.find("job") != std::string::npos);
}
