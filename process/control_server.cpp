#include "process/control_server.hpp"

#include <cerrno>
#include <csignal>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/trace.hpp"
#include "process/internal/console_link.hpp"
#include "process/internal/control_socket.hpp"

namespace sojourn::process {

namespace {

constexpr std::size_t kClientsMax = 64;
constexpr std::uint64_t kRequestTimeNs = 10'000'000'000;

/// As much as the client takes now. A closed socket is its affair: no SIGPIPE, and nothing more is
/// to be sent.
void send_some(int socket, std::string& unsent) {
    const ssize_t sent = ::send(socket, unsent.data(), unsent.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    TRACE(process, "control_answered", sent);
    if (sent >= 0) {
        unsent.erase(0, static_cast<std::size_t>(sent));
    } else if (errno != EAGAIN && errno != EINTR) {
        unsent.clear();
    }
}

/// Does what was asked with one lease or all, and tells how they are then. With all of them, one
/// that is lost keeps no other from it.
Result<ControlAnswer> visit(leases::LeaseManager& leases, const ControlRequest& asked,
                            const RunnerStatus& runner) {
    if (asked.verb == ControlVerb::expire_lease) {
        TRY(asked.lease ? leases.expire(*asked.lease) : leases.expire_all());
    }
    if (asked.verb == ControlVerb::renew_lease) {
        TRY(asked.lease ? leases.renew(*asked.lease) : leases.renew_all());
    }
    return ControlAnswer{.runner = runner, .checkpoint = {}, .leases = leases.leases()};
}

/// The pid of who is at the other end.
pid_t peer_of(int socket) {
    ucred peer{};
    socklen_t size = sizeof(peer);
    ::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size);
    return peer.pid;
}

/// 0 when nothing is there.
ino_t inode_of(const std::filesystem::path& path) {
    struct stat status {};
    return ::stat(path.c_str(), &status) == 0 ? status.st_ino : 0;
}

}  // namespace

ControlServer::Client::Client() = default;
ControlServer::Client::Client(Client&& other) noexcept = default;
ControlServer::Client::~Client() = default;

ControlServer::ControlServer(const Clock& clock, Inbox& inbox, leases::Console* console)
    : clock_(clock), inbox_(inbox), console_(console) {}

Result<std::unique_ptr<ControlServer>> ControlServer::start(
    const std::filesystem::path& run_directory, store::ProcessId id, const RunnerStatus& status,
    Inbox& inbox, leases::Console* console, const Clock& clock, RunnerGauges gauges) {
    auto server = std::unique_ptr<ControlServer>(new ControlServer(clock, inbox, console));
    const std::string name = control_socket_name(id);
    server->gauges_ = std::move(gauges);
    server->status_ = status;
    server->path_ = run_directory / name;
    server->listener_ = TRY(listen_in(run_directory, name));
    server->inode_ = inode_of(server->path_);
    server->wake_ = UniqueFd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!server->wake_.valid()) return fail_errno(errno, "cannot make an event");

    if (console != nullptr)
        console->observe([raw = server.get()] { ::eventfd_write(raw->wake_.get(), 1); });

    // Signals are for the threads that expect them.
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_BLOCK, &all, &before);
    server->thread_ = std::thread([raw = server.get()] { raw->serve(); });
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return server;
}

ControlServer::~ControlServer() {
    if (console_ != nullptr) console_->observe({});
    if (!thread_.joinable()) return;
    {
        const std::lock_guard guard(mutex_);
        stopping_ = true;
    }
    ::eventfd_write(wake_.get(), 1);
    thread_.join();
    // A runner whose epoch has passed must not take its successor's socket away.
    if (inode_of(path_) == inode_) ::unlink(path_.c_str());
}

void ControlServer::serve() {
    for (;;) {
        wait_for_something();
        eventfd_t ignored = 0;
        ::eventfd_read(wake_.get(), &ignored);
        bool stopping = false;
        {
            const std::lock_guard guard(mutex_);
            stopping = stopping_;
        }
        take_replies();
        send_answers();
        if (stopping) return;
        accept_clients();
        read_clients();
    }
}

void ControlServer::wait_for_something() {
    std::vector<pollfd> watched = {{wake_.get(), POLLIN, 0}};
    if (clients_.size() < kClientsMax) watched.push_back({listener_.get(), POLLIN, 0});
    int timeout_ms = -1;
    for (const auto& [id, client] : clients_) {
        // A client that waits is watched for hanging up alone.
        const bool takes_answer = !client.unsent.empty();
        short events = takes_answer ? POLLOUT : client.awaits_answer ? short{0} : POLLIN;
        if (client.console != nullptr && client.console->has_room()) events |= POLLIN;
        watched.push_back({client.socket.get(), events, 0});
        if (client.console != nullptr) continue;
        if (takes_answer || !client.awaits_answer)
            timeout_ms = static_cast<int>(kRequestTimeNs / 1'000'000);
    }
    ::poll(watched.data(), watched.size(), timeout_ms);
}

void ControlServer::accept_clients() {
    while (clients_.size() < kClientsMax) {
        UniqueFd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (!socket.valid()) return;
        Client client;
        client.socket = std::move(socket);
        client.deadline_ns = clock_.monotonic_ns() + kRequestTimeNs;
        clients_.emplace(next_client_++, std::move(client));
    }
}

void ControlServer::read_clients() {
    for (auto next = clients_.begin(); next != clients_.end();) {
        const auto here = next++;
        if (!read_client(here->first, here->second)) clients_.erase(here);
    }
}

bool ControlServer::read_client(ClientId id, Client& client) {
    if (client.console != nullptr) return read_attached(client);
    if (client.awaits_answer) {
        pollfd hung_up{client.socket.get(), 0, 0};
        const bool is_late = !client.unsent.empty() && clock_.monotonic_ns() >= client.deadline_ns;
        return !is_late && ::poll(&hung_up, 1, 0) == 0;
    }
    char buffer[4096];
    for (;;) {
        const ssize_t got = ::read(client.socket.get(), buffer, sizeof(buffer));
        if (got < 0 && errno == EAGAIN) return clock_.monotonic_ns() < client.deadline_ns;
        if (got <= 0) return false;
        client.received.append(buffer, static_cast<std::size_t>(got));
        const auto newline = client.received.find('\n');
        if (newline != std::string::npos) {
            client.awaits_answer = true;
            const std::string line = client.received.substr(0, newline);
            client.received.erase(0, newline + 1);
            perform(id, line);
            return true;
        }
        if (client.received.size() > kControlLineBytesMax) {
            client.awaits_answer = true;
            post_reply(id, fail(ErrorCode::invalid_argument, "a request has at most {} bytes",
                                kControlLineBytesMax));
            return true;
        }
    }
}

bool ControlServer::read_attached(Client& client) {
    if (!client.console->perform(client.received)) return false;
    if (!client.console->has_room()) {
        pollfd hung_up{client.socket.get(), 0, 0};
        return ::poll(&hung_up, 1, 0) == 0;
    }
    char buffer[4096];
    const ssize_t got = ::read(client.socket.get(), buffer, sizeof(buffer));
    if (got < 0) return errno == EAGAIN;
    client.received.append(buffer, static_cast<std::size_t>(got));
    return got > 0 && client.console->perform(client.received);
}

void ControlServer::perform(ClientId id, std::string_view line) {
    const auto request = parse_request(line);
    if (!request.ok()) return post_reply(id, request.error());
    if (request->verb == ControlVerb::attach)
        return post_reply(id, attach(clients_.at(id), *request));
    if (request->verb == ControlVerb::status) return post_reply(id, status());
    if (request->verb == ControlVerb::code) return post_reply(id, code());
    inbox_.post(request_for(id, *request));
}

ControlAnswer ControlServer::status() const {
    ControlAnswer answer{.runner = status_};
    if (gauges_.memory) answer.memory = gauges_.memory();
    return answer;
}

ControlAnswer ControlServer::code() const {
    ControlAnswer answer{.runner = status_};
    if (!gauges_.code) return answer;
    answer.code = gauges_.code();
    auto& states = answer.code->states;
    if (states.size() > kCodeStatesMax) states.resize(kCodeStatesMax);
    return answer;
}

Result<ControlAnswer> ControlServer::attach(Client& client, const ControlRequest& asked) {
    const std::string& name = status_.name;
    if (console_ == nullptr) {
        return fail(ErrorCode::unsupported,
                    "process '{}' runs in the foreground, on a terminal of its own; vm suspend {}, "
                    "then vm resume -d {}, lets people attach to it",
                    name, name, name);
    }
    for (const auto& [id, other] : clients_) {
        if (other.console == nullptr) continue;
        return fail(ErrorCode::busy,
                    "somebody is attached to process '{}', with pid {}; vm logs -f {} shows what "
                    "it says",
                    name, peer_of(other.socket.get()), name);
    }
    client.console = std::make_unique<ConsoleLink>(*console_);
    if (asked.window) console_->resize(*asked.window);
    return ControlAnswer{
        .runner = status_, .checkpoint = {}, .leases = {}, .mode = client.console->told()};
}

Request ControlServer::request_for(ClientId id, const ControlRequest& asked) {
    Request request;
    if (asked.verb != ControlVerb::suspend && asked.verb != ControlVerb::checkpoint) {
        request.kind = Request::Kind::leases;
        request.with_leases = [this, id, asked](leases::LeaseManager& leases) {
            post_reply(id, visit(leases, asked, status_));
        };
        request.answer = [this, id](const Result<store::CheckpointInfo>& ended) {
            post_reply(id, ended.error());
        };
        return request;
    }
    request.kind =
        asked.verb == ControlVerb::suspend ? Request::Kind::suspend : Request::Kind::checkpoint;
    request.message = asked.message;
    request.requested_at_ns = clock_.monotonic_ns();
    if (asked.wait == CheckpointWait::paused) {
        request.captured = [this, id] { post_reply(id, ControlAnswer{.runner = status_}); };
    }
    // A client that has its answer is gone by then, and a second one is nobody's.
    request.answer = [this, id](const Result<store::CheckpointInfo>& result) {
        if (!result.ok()) return post_reply(id, result.error());
        post_reply(id, ControlAnswer{.runner = status_, .checkpoint = *result});
    };
    return request;
}

void ControlServer::post_reply(ClientId client, const Result<ControlAnswer>& answer) {
    {
        const std::lock_guard guard(mutex_);
        replies_.push_back({client, encode_answer(answer)});
    }
    ::eventfd_write(wake_.get(), 1);
}

void ControlServer::take_replies() {
    std::vector<Reply> replies;
    {
        const std::lock_guard guard(mutex_);
        replies.swap(replies_);
    }
    for (const Reply& reply : replies) {
        const auto client = clients_.find(reply.client);
        if (client == clients_.end()) continue;
        client->second.unsent = reply.line;
        client->second.deadline_ns = clock_.monotonic_ns() + kRequestTimeNs;
    }
}

void ControlServer::send_answers() {
    for (auto next = clients_.begin(); next != clients_.end();) {
        const auto here = next++;
        Client& client = here->second;
        if (client.console != nullptr && client.unsent.empty())
            client.unsent = client.console->news().value_or("");
        if (client.unsent.empty()) continue;
        send_some(client.socket.get(), client.unsent);
        if (client.unsent.empty() && client.console == nullptr) clients_.erase(here);
    }
}

}  // namespace sojourn::process
