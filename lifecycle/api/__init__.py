"""The JSON API of this app: serializers that list their fields, views that call services."""
