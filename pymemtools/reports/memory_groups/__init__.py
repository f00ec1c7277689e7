"""Memory groups: whose limits hold for who asks, what they let it take, and whom the kernel kills within them."""
