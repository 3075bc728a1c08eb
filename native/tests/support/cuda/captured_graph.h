/**
 * @file captured_graph.h
 * @brief Launches captured from a stream, to be replayed.
 */
#ifndef TERNARY_TESTS_SUPPORT_CUDA_CAPTURED_GRAPH_H_
#define TERNARY_TESTS_SUPPORT_CUDA_CAPTURED_GRAPH_H_

#include "support/cuda/device_problem.h"

namespace ternary::test {

/** What was captured, ready to run; destroyed with it. */
class Graph {
 public:
  template <typename Body>
  Graph(const Stream& stream, Body body, cudaStreamCaptureMode mode = cudaStreamCaptureModeThreadLocal) {
    must(cudaStreamBeginCapture(stream.get(), mode), "begin capture");
    body();
    must(cudaStreamEndCapture(stream.get(), &graph_), "end capture");
    must(cudaGraphInstantiate(&run_, graph_, 0), "instantiate");
  }
  ~Graph() {
    cudaGraphExecDestroy(run_);
    cudaGraphDestroy(graph_);
  }
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;
  void launch(const Stream& stream) const { must(cudaGraphLaunch(run_, stream.get()), "launch graph"); }

 private:
  cudaGraph_t graph_ = nullptr;
  cudaGraphExec_t run_ = nullptr;
};

}  // namespace ternary::test

#endif  // TERNARY_TESTS_SUPPORT_CUDA_CAPTURED_GRAPH_H_
