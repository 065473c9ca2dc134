package dev.comfyapi.api.asset;

import org.jspecify.annotations.Nullable;

import java.util.List;

/// One page of assets, newest first.
///
/// @param nextCursor opaque, where the next page starts; null on the last page
record AssetPage(List<AssetView> assets, @Nullable String nextCursor) {
    AssetPage {
        assets = List.copyOf(assets);
    }
}
