package dev.comfyapi.api.batch;

import org.jspecify.annotations.Nullable;

import java.util.List;

/// One page of batches, newest first.
///
/// @param nextCursor opaque, where the next page starts; null on the last page
record BatchPage(List<BatchView> batches, @Nullable String nextCursor) {
    BatchPage {
        batches = List.copyOf(batches);
    }
}
