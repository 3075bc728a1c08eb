// Capture of streams, graphs.
#include "softgpu/api/api.h"

using namespace ternary::softgpu;

namespace {

cudaStreamCaptureStatus status_of(const Stream& stream) {
  if (stream.capture == nullptr) return cudaStreamCaptureStatusNone;
  return stream.capture->invalidated ? cudaStreamCaptureStatusInvalidated : cudaStreamCaptureStatusActive;
}

cudaError_t instantiate(cudaGraphExec_t* exec, cudaGraph_t graph, unsigned long long flags,
                        const char* function = __builtin_FUNCTION()) {
  return call(
      [&](Runtime& runtime) {
        require(exec != nullptr, cudaErrorInvalidValue);
        require(flags == 0, cudaErrorNotSupported, "the software GPU knows no flags of cudaGraphInstantiate");
        *exec = reinterpret_cast<cudaGraphExec_t>(runtime.instantiate(runtime.graph(graph)));
      },
      function);
}

}  // namespace

extern "C" {

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode) {
  return call([&](Runtime& runtime) { runtime.begin_capture(runtime.stream(stream), mode); });
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  return call([&](Runtime& runtime) {
    require(graph != nullptr, cudaErrorInvalidValue);
    *graph = nullptr;
    *graph = reinterpret_cast<cudaGraph_t>(runtime.add_graph(runtime.end_capture(runtime.stream(stream))));
  });
}

cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus* status) {
  return call([&](Runtime& runtime) {
    require(status != nullptr, cudaErrorInvalidValue);
    const bool legacy = stream == nullptr || stream == cudaStreamLegacy;
    require(!legacy || runtime.captures_of_blocking_streams(runtime.current_ordinal()).empty(),
            cudaErrorStreamCaptureImplicit);  // asking does not invalidate
    *status = status_of(runtime.stream(stream));
  });
}

cudaError_t cudaStreamGetCaptureInfo(cudaStream_t stream, cudaStreamCaptureStatus* status, unsigned long long* id,
                                     cudaGraph_t* graph, const cudaGraphNode_t** dependencies,
                                     const cudaGraphEdgeData** edges, size_t* count) {
  return call([&](Runtime& runtime) {
    require(status != nullptr, cudaErrorInvalidValue);
    require(graph == nullptr && dependencies == nullptr && edges == nullptr && count == nullptr, cudaErrorNotSupported,
            "the software GPU's cudaStreamGetCaptureInfo gives status and id only");
    const Stream& asked = runtime.stream(stream);
    *status = status_of(asked);
    if (id != nullptr && asked.capture != nullptr) *id = asked.capture->id;
  });
}

cudaError_t cudaThreadExchangeStreamCaptureMode(cudaStreamCaptureMode* mode) {
  return call_even_when_faulted([&](Runtime& runtime) {
    require(mode != nullptr, cudaErrorInvalidValue);
    *mode = runtime.exchange_capture_mode(*mode);
  });
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* exec, cudaGraph_t graph, unsigned long long flags) {
  return instantiate(exec, graph, flags);
}

cudaError_t cudaGraphInstantiateWithFlags(cudaGraphExec_t* exec, cudaGraph_t graph, unsigned long long flags) {
  return instantiate(exec, graph, flags);
}

cudaError_t cudaGraphUpload(cudaGraphExec_t exec, cudaStream_t stream) {
  return call([&](Runtime& runtime) {
    runtime.graph_exec(exec);
    runtime.stream(stream);
  });
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream) {
  return call([&](Runtime& runtime) { runtime.launch(runtime.graph_exec(exec), runtime.stream(stream)); });
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  return call_even_when_faulted([&](Runtime& runtime) { runtime.remove_graph(runtime.graph(graph)); });
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec) {
  return call_even_when_faulted([&](Runtime& runtime) { runtime.remove_graph_exec(runtime.graph_exec(exec)); });
}

cudaError_t cudaGraphGetNodes(cudaGraph_t graph, cudaGraphNode_t* nodes, size_t* count) {
  return call([&](Runtime& runtime) {
    require(count != nullptr, cudaErrorInvalidValue);
    require(nodes == nullptr, cudaErrorNotSupported, "the software GPU's cudaGraphGetNodes gives the count only");
    *count = runtime.graph(graph).nodes.size();
  });
}

}  // extern "C"
