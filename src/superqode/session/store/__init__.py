"""The store: sessions ⇄ branches. `SessionStore` is the facade; see CONTRIBUTING for the map."""
