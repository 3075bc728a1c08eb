// Captures of streams into graphs, and the graphs: the part of Runtime that knows them.
#include <algorithm>
#include <utility>

#include "softgpu/runtime/runtime.h"

namespace ternary::softgpu {
namespace {

thread_local cudaStreamCaptureMode thread_mode = cudaStreamCaptureModeGlobal;

/** Nodes that come before those of `frontier`, themselves included. */
std::set<size_t> ancestors(const Graph& graph, const std::set<size_t>& frontier) {
  std::set<size_t> found;
  std::vector<size_t> open(frontier.begin(), frontier.end());
  while (!open.empty()) {
    const size_t node = open.back();
    open.pop_back();
    if (!found.insert(node).second) continue;
    open.insert(open.end(), graph.nodes[node].needs.begin(), graph.nodes[node].needs.end());
  }
  return found;
}

}  // namespace

size_t Runtime::add_node(Stream& stream, WorkRef work) {
  Capture& capture = *stream.capture;
  require(!capture.invalidated, cudaErrorStreamCaptureInvalidated);
  Node node;
  node.needs.assign(stream.frontier.begin(), stream.frontier.end());
  const bool after_one_kernel = node.needs.size() == 1 && capture.graph->nodes[node.needs[0]].work->is_kernel;
  if (work->is_kernel && work->launch.programmatic && after_one_kernel) node.overtakes = node.needs[0];
  node.work = std::move(work);
  capture.graph->nodes.push_back(std::move(node));
  const size_t index = capture.graph->nodes.size() - 1;
  stream.frontier = {index};
  return index;
}

void Runtime::begin_capture(Stream& stream, cudaStreamCaptureMode mode) {
  require(mode >= cudaStreamCaptureModeGlobal && mode <= cudaStreamCaptureModeRelaxed, cudaErrorInvalidValue);
  require(&stream != &legacy_stream(stream.device), cudaErrorStreamCaptureUnsupported);
  require(stream.capture == nullptr, cudaErrorIllegalState);
  auto capture = std::make_unique<Capture>();
  capture->id = ++last_capture_id_;
  capture->mode = mode;
  capture->origin = &stream;
  capture->streams.insert(&stream);
  capture->thread = std::this_thread::get_id();
  capture->graph = std::make_unique<Graph>();
  stream.capture = capture.get();
  stream.frontier.clear();
  captures_.push_back(std::move(capture));
}

void Runtime::forget_capture(Capture& capture) {
  for (Stream* stream : capture.streams) {
    stream->capture = nullptr;
    stream->frontier.clear();
  }
  captures_.erase(std::find_if(captures_.begin(), captures_.end(), [&](const auto& c) { return c.get() == &capture; }));
}

std::unique_ptr<Graph> Runtime::end_capture(Stream& stream) {
  require(stream.capture != nullptr, cudaErrorIllegalState);
  Capture& capture = *stream.capture;
  if (capture.origin != &stream) {
    invalidate(capture);
    throw CudaFailure(cudaErrorStreamCaptureUnmatched);
  }
  require(capture.mode == cudaStreamCaptureModeRelaxed || capture.thread == std::this_thread::get_id(),
          cudaErrorStreamCaptureWrongThread);
  const std::set<size_t> joined = ancestors(*capture.graph, stream.frontier);
  const bool all_joined = std::all_of(capture.streams.begin(), capture.streams.end(), [&](const Stream* other) {
    return std::includes(joined.begin(), joined.end(), other->frontier.begin(), other->frontier.end());
  });
  const bool invalidated = capture.invalidated;
  std::unique_ptr<Graph> graph = std::move(capture.graph);
  forget_capture(capture);
  require(!invalidated, cudaErrorStreamCaptureInvalidated);
  require(all_joined, cudaErrorStreamCaptureUnjoined);
  return graph;
}

void Runtime::wait_event(Stream& stream, Event& event) {
  if (event.capture == 0) {
    if (stream.capture != nullptr && event.recorded != nullptr) {
      invalidate(*stream.capture);
      throw CudaFailure(cudaErrorStreamCaptureIsolation);
    }
    if (event.recorded == nullptr) return;  // never recorded: nothing to wait for
    auto mark = std::make_shared<Work>();
    mark->what = "cudaStreamWaitEvent";
    mark->device = stream.device;
    if (&stream == &legacy_stream(stream.device)) forbid_legacy_stream_while_capturing(stream.device);
    std::vector<OperationRef> needs = needs_of(stream);
    needs.push_back(event.recorded);
    stream.tail = queue_->enqueue(std::move(mark), std::move(needs), nullptr, stream.chain);
    return;
  }
  const auto found =
      std::find_if(captures_.begin(), captures_.end(), [&](const auto& c) { return c->id == event.capture; });
  require(found != captures_.end(), cudaErrorCapturedEvent);
  Capture& capture = **found;
  if (&stream == &legacy_stream(stream.device)) {
    invalidate(capture);
    throw CudaFailure(cudaErrorStreamCaptureImplicit);
  }
  if (stream.capture != nullptr && stream.capture != &capture) {
    invalidate(capture);
    invalidate(*stream.capture);
    throw CudaFailure(cudaErrorStreamCaptureMerge);
  }
  require(!capture.invalidated, cudaErrorStreamCaptureInvalidated);
  stream.capture = &capture;
  capture.streams.insert(&stream);
  stream.frontier.insert(event.frontier.begin(), event.frontier.end());
}

cudaStreamCaptureMode Runtime::exchange_capture_mode(cudaStreamCaptureMode mode) {
  require(mode >= cudaStreamCaptureModeGlobal && mode <= cudaStreamCaptureModeRelaxed, cudaErrorInvalidValue);
  return std::exchange(thread_mode, mode);
}

void Runtime::forbid_while_capturing() {
  if (thread_mode == cudaStreamCaptureModeRelaxed) return;
  bool forbidden = false;
  for (const auto& capture : captures_) {
    const bool mine = capture->thread == std::this_thread::get_id() && capture->mode != cudaStreamCaptureModeRelaxed;
    const bool everyones = capture->mode == cudaStreamCaptureModeGlobal && thread_mode == cudaStreamCaptureModeGlobal;
    if (!mine && !everyones) continue;
    invalidate(*capture);
    forbidden = true;
  }
  require(!forbidden, cudaErrorStreamCaptureUnsupported);
}

void Runtime::forbid_in_capture_of(Stream& stream) {
  if (stream.capture == nullptr) {
    if (&stream == &legacy_stream(stream.device)) forbid_legacy_stream_while_capturing(stream.device);
    return;
  }
  invalidate(*stream.capture);
  throw CudaFailure(cudaErrorStreamCaptureUnsupported);
}

std::vector<Capture*> Runtime::captures_of_blocking_streams(int device) {
  std::vector<Capture*> found;
  for (const auto& capture : captures_) {
    const bool blocking = std::any_of(capture->streams.begin(), capture->streams.end(), [&](const Stream* stream) {
      return stream->blocking() && stream->device == device;
    });
    if (blocking) found.push_back(capture.get());
  }
  return found;
}

void Runtime::forbid_legacy_stream_while_capturing(int device) {
  const std::vector<Capture*> captures = captures_of_blocking_streams(device);
  for (Capture* capture : captures) invalidate(*capture);
  require(captures.empty(), cudaErrorStreamCaptureImplicit);
}

Graph* Runtime::add_graph(std::unique_ptr<Graph> graph) {
  Graph* key = graph.get();
  graphs_[key] = std::move(graph);
  return key;
}

Graph& Runtime::graph(cudaGraph_t handle) {
  Graph* graph = reinterpret_cast<Graph*>(handle);
  require(graphs_.count(graph) > 0, cudaErrorInvalidValue);
  return *graph;
}

void Runtime::remove_graph(Graph& graph) { graphs_.erase(&graph); }

/** Each node goes on with the chain of a node that it needs, if no other has, else begins one. */
GraphExec* Runtime::instantiate(const Graph& graph) {
  auto exec = std::make_unique<GraphExec>();
  exec->device = current_ordinal();
  exec->nodes = graph.nodes;
  std::vector<bool> continued(graph.nodes.size(), false);
  for (const Node& node : graph.nodes) {
    const auto free = std::find_if(node.needs.begin(), node.needs.end(), [&](size_t need) { return !continued[need]; });
    if (free == node.needs.end()) {
      exec->chains.push_back(queue_->add_chain());
    } else {
      continued[*free] = true;
      exec->chains.push_back(exec->chains[*free]);
    }
  }
  GraphExec* key = exec.get();
  graph_execs_[key] = std::move(exec);
  return key;
}

GraphExec& Runtime::graph_exec(cudaGraphExec_t handle) {
  GraphExec* exec = reinterpret_cast<GraphExec*>(handle);
  require(graph_execs_.count(exec) > 0, cudaErrorInvalidValue);
  return *exec;
}

void Runtime::remove_graph_exec(GraphExec& exec) { graph_execs_.erase(&exec); }

void Runtime::launch(GraphExec& exec, Stream& stream) {
  require(stream.capture == nullptr, cudaErrorNotSupported, "the software GPU does not capture cudaGraphLaunch");
  if (&stream == &legacy_stream(stream.device)) forbid_legacy_stream_while_capturing(stream.device);
  auto mark = std::make_shared<Work>();
  mark->what = "cudaGraphLaunch";
  mark->device = stream.device;
  std::vector<OperationRef> before = needs_of(stream);
  before.push_back(exec.last);
  const OperationRef begin = queue_->enqueue(mark, before, nullptr, stream.chain);
  std::vector<OperationRef> operations;
  for (size_t index = 0; index < exec.nodes.size(); ++index) {
    const Node& node = exec.nodes[index];
    std::vector<OperationRef> needs;
    for (const size_t need : node.needs) needs.push_back(operations[need]);
    if (needs.empty()) needs.push_back(begin);
    const OperationRef overtakes = node.overtakes == SIZE_MAX ? nullptr : operations[node.overtakes];
    operations.push_back(queue_->enqueue(node.work, std::move(needs), overtakes, exec.chains[index]));
  }
  operations.push_back(begin);
  stream.tail = queue_->enqueue(std::move(mark), std::move(operations), nullptr, stream.chain);
  exec.last = stream.tail;
}

}  // namespace ternary::softgpu
