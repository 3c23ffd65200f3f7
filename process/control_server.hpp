#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <sys/types.h>
#include <thread>
#include <vector>

#include "base/clock.hpp"
#include "base/file.hpp"
#include "leases/console.hpp"
#include "process/control_protocol.hpp"
#include "process/inbox.hpp"

namespace sojourn::process {

class ConsoleLink;

/// What a runner tells of itself while the guest runs, on any thread. Empty: it can't.
struct RunnerGauges {
    std::function<MemoryUse()> memory = {};
    std::function<CodeUse()> code = {};
};

/// Answers on a runner's socket, on a thread of its own: a request is one line, so is its answer.
/// One client at a time may be attached to the process's console; his connection stays. Clients
/// that vanish, stay silent or talk nonsense harm nobody else. Borrows the inbox, which is closed
/// before this ends.
class ControlServer {
public:
    /// Requires: the caller holds the runner's lock. Borrows `console`; nullptr: there is none.
    static Result<std::unique_ptr<ControlServer>> start(
        const std::filesystem::path& run_directory, store::ProcessId id, const RunnerStatus& status,
        Inbox& inbox, leases::Console* console, const Clock& clock, RunnerGauges gauges = {});
    ControlServer(const ControlServer&) = delete;
    ControlServer& operator=(const ControlServer&) = delete;
    /// Delivers the answers that are there, then takes the socket away.
    ~ControlServer();

private:
    using ClientId = std::uint64_t;
    struct Client {
        Client();
        Client(Client&& other) noexcept;
        ~Client();

        UniqueFd socket;
        std::string received;
        bool awaits_answer = false;
        std::uint64_t deadline_ns = 0;         ///< for its request, or for taking its answer
        std::string unsent;                    ///< of its answer
        std::unique_ptr<ConsoleLink> console;  ///< while it is attached
    };
    struct Reply {
        ClientId client;
        std::string line;
    };

    ControlServer(const Clock& clock, Inbox& inbox, leases::Console* console);

    void serve();
    void wait_for_something();
    void accept_clients();
    void read_clients();
    /// False when the client is done with.
    bool read_client(ClientId id, Client& client);
    static bool read_attached(Client& client);
    void perform(ClientId id, std::string_view line);
    [[nodiscard]] ControlAnswer status() const;
    [[nodiscard]] ControlAnswer code() const;
    Result<ControlAnswer> attach(Client& client, const ControlRequest& asked);
    Request request_for(ClientId id, const ControlRequest& asked);
    void post_reply(ClientId client, const Result<ControlAnswer>& answer);
    void take_replies();
    void send_answers();

    const Clock& clock_;
    Inbox& inbox_;
    leases::Console* console_;
    RunnerGauges gauges_;
    RunnerStatus status_;
    std::filesystem::path path_;
    ino_t inode_ = 0;  ///< of the socket at `path_`
    UniqueFd listener_;
    UniqueFd wake_;
    std::map<ClientId, Client> clients_;  ///< the serving thread's
    ClientId next_client_ = 1;

    std::mutex mutex_;  ///< guards what follows
    std::vector<Reply> replies_;
    bool stopping_ = false;

    std::thread thread_;
};

}  // namespace sojourn::process
