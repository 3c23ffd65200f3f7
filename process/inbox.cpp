#include "process/inbox.hpp"

namespace sojourn::process {

void Inbox::attach(vm::Machine& machine) {
    const std::lock_guard guard(mutex_);
    machine_ = &machine;
    if (!requests_.empty()) stop_locked();
}

void Inbox::detach() {
    const std::lock_guard guard(mutex_);
    machine_ = nullptr;
}

void Inbox::post(Request request) {
    add(std::move(request), /*to_front=*/false);
}

void Inbox::put_back(Request request) {
    add(std::move(request), /*to_front=*/true);
}

void Inbox::add(Request request, bool to_front) {
    std::optional<Error> refusal;
    {
        const std::lock_guard guard(mutex_);
        refusal = closed_because_;
        if (!refusal) {
            requests_.insert(to_front ? requests_.begin() : requests_.end(), std::move(request));
            stop_locked();
        }
    }
    if (refusal) request.answer(*refusal);
}

void Inbox::wake() {
    const std::lock_guard guard(mutex_);
    if (!requests_.empty()) stop_locked();
}

void Inbox::stop_machine() {
    const std::lock_guard guard(mutex_);
    stop_locked();
}

void Inbox::acknowledge_pause() {
    const std::lock_guard guard(mutex_);
    if (machine_ != nullptr) machine_->clear_pause();
    interrupt_.clear();
}

std::optional<Request> Inbox::take(bool ends_only) {
    const std::lock_guard guard(mutex_);
    if (requests_.empty()) return std::nullopt;
    if (ends_only && requests_.front().kind == Request::Kind::checkpoint) return std::nullopt;
    Request request = std::move(requests_.front());
    requests_.pop_front();
    return request;
}

bool Inbox::has_requests() {
    const std::lock_guard guard(mutex_);
    return !requests_.empty();
}

void Inbox::close(const Error& reason) {
    std::deque<Request> left;
    {
        const std::lock_guard guard(mutex_);
        closed_because_ = reason;
        left.swap(requests_);
    }
    for (const Request& request : left)
        request.answer(reason);
}

void Inbox::stop_locked() {
    if (machine_ == nullptr) return;
    machine_->request_pause();
    interrupt_.raise();
}

}  // namespace sojourn::process
